/// Whether blocks that the KV store has are fetched or recomputed, and why.
package struct StoreDecision: Hashable, Sendable {
  /// What is done.
  package enum Action: String, Hashable, Sendable, CaseIterable {
    case fetch
    case recompute
  }

  /// Why.
  package enum Reason: String, Hashable, Sendable, CaseIterable {
    /// Fetching is expected to take less time than computing.
    case faster
    /// Fetching is expected to take more time than computing.
    case slower
    /// Fetching alone would take less, but others are being fetched before it.
    case queue
  }

  package var action: Action
  package var reason: Reason

  package init(action: Action, reason: Reason) {
    self.action = action
    self.reason = reason
  }
}

/// What the cost model makes of the blocks that the store has beyond those in the worker.
package struct FetchPlan: Hashable, Sendable {
  /// Leading blocks that the sequence will have without computing them: those in the worker, then
  /// those fetched.
  package var blockCount: Int
  /// Expected time of the load; 0 without one.
  package var fetchMicroseconds: Double
  /// nil if the store has nothing beyond what is in the worker.
  package var decision: StoreDecision?
}

extension TransferModel {
  /// Bytes to fetch, by tier.
  package struct FetchBytes: Hashable, Sendable {
    package var memory = 0
    package var disk = 0

    /// None.
    package init() {}
  }

  /// Chooses how many blocks to fetch: up to the end of one of the store's stretches, or none,
  /// whichever gives the sequence its whole prefix first.
  ///
  /// - Parameters:
  ///   - stored: What the store has.
  ///   - hitBlocks: Leading blocks that are in the worker.
  ///   - usableBlocks: The most leading blocks that need not be computed.
  ///   - blockBytes: A block's bytes in the store.
  ///   - blockSize: Positions in a block.
  ///   - chunk: Positions of the sequence in one step.
  ///   - queued: Bytes of loads that the worker has not finished.
  package func planFetch(
    _ stored: StoredPrefix,
    hitBlocks: Int,
    usableBlocks: Int,
    blockBytes: Int,
    blockSize: Int,
    chunk: Int,
    queued: FetchBytes
  ) -> FetchPlan {
    let stretches = stored.part(hitBlocks..<max(hitBlocks, usableBlocks))
    let usable = max(hitBlocks, min(usableBlocks, stored.blockCount))
    func computing(from block: Int) -> Double {
      computeMicroseconds(block * blockSize..<usable * blockSize, chunk: chunk)
    }
    var best = FetchPlan(blockCount: hitBlocks, fetchMicroseconds: 0, decision: nil)
    guard !stretches.isEmpty else { return best }
    let recomputing = computing(from: hitBlocks)
    var bestTime = recomputing
    var bestTimeAlone = recomputing
    var bytes = FetchBytes()
    var told = latencyMicroseconds
    var end = hitBlocks
    for stretch in stretches {
      end += stretch.blockCount
      told += stretch.estimatedMicroseconds
      switch stretch.tier {
      case .memory: bytes.memory += stretch.blockCount * blockBytes
      case .disk: bytes.disk += stretch.blockCount * blockBytes
      }
      let alone = max(told, fetchMicroseconds(memoryBytes: bytes.memory, diskBytes: bytes.disk))
      let waiting = fetchMicroseconds(
        memoryBytes: bytes.memory + queued.memory,
        diskBytes: bytes.disk + queued.disk
      )
      let fetching = max(alone, waiting)
      bestTimeAlone = min(bestTimeAlone, alone + computing(from: end))
      if fetching + computing(from: end) < bestTime {
        bestTime = fetching + computing(from: end)
        best = FetchPlan(blockCount: end, fetchMicroseconds: fetching, decision: nil)
      }
    }
    best.decision =
      if best.blockCount > hitBlocks {
        StoreDecision(action: .fetch, reason: .faster)
      } else {
        StoreDecision(
          action: .recompute,
          reason: bestTimeAlone < recomputing ? .queue : .slower
        )
      }
    return best
  }
}
