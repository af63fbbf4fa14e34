import BlockCache
package import MeshTypes

/// What has happened since the scheduler was created.
package struct SchedulerCounters: Hashable, Sendable {
  /// Sequences taken in.
  package var submitted: UInt64 = 0
  /// Sequences that ended by stop, length or cancellation.
  package var finished: UInt64 = 0
  /// Sequences that could not go on.
  package var failed: UInt64 = 0
  /// Tokens told.
  package var generatedTokens: UInt64 = 0
  /// Known tokens at admissions.
  package var prefixQueriedTokens: UInt64 = 0
  /// How many of them were in the worker's cache.
  package var prefixHitTokens: UInt64 = 0
  /// Admissions that began with a copy of a block that was not full.
  package var copiedTails: UInt64 = 0
  /// Known tokens in those copies.
  package var copiedTokens: UInt64 = 0
  /// Sequences that gave way to others.
  package var preemptions: UInt64 = 0
  /// Sequences that went from a worker for prompts to one for decoding.
  package var handovers: UInt64 = 0
  /// Memberships that ended by loss.
  package var workerLosses: UInt64 = 0
  /// What was done with the KV store.
  package var store = StoreCounters()

  init() {}
}

/// What has been done with the KV store since the scheduler was created.
package struct StoreCounters: Hashable, Sendable {
  /// Questions asked.
  package var lookups: UInt64 = 0
  /// Questions that the store did not answer in time.
  package var failedLookups: UInt64 = 0
  /// Tokens beyond what the worker had, at admissions with a store.
  package var queriedTokens: UInt64 = 0
  /// How many of them the store had.
  package var foundTokens: UInt64 = 0
  /// Tokens that loads brought.
  package var fetchedTokens: UInt64 = 0
  /// Tokens that loads did not bring after all.
  package var failedTokens: UInt64 = 0
  /// Preempted sequences with blocks in the store.
  package var swapOuts: UInt64 = 0
  /// Preempted sequences that came back by a load.
  package var swapIns: UInt64 = 0
  /// Blocks that workers were given to store.
  package var storedBlocks: UInt64 = 0
  /// Admissions that found blocks in the store, by what was decided.
  package var decisions: [StoreDecision: UInt64] = [:]

  init() {}
}

/// What the cost model has learnt about one worker.
package struct TransferEstimate: Hashable, Sendable {
  /// Computing one position at the beginning of a sequence.
  package var microsecondsPerToken: Double
  /// What each position before it adds.
  package var microsecondsPerContextToken: Double
  /// Before the first byte of a load arrives.
  package var loadLatencyMicroseconds: Double
  /// From the store's memory.
  package var memoryBytesPerSecond: Double
  /// From the store's disk.
  package var diskBytesPerSecond: Double

  init(_ model: TransferModel) {
    let perByte = model.microsecondsPerByte
    microsecondsPerToken = model.microsecondsPerPosition.first
    microsecondsPerContextToken = model.microsecondsPerPosition.perContext
    loadLatencyMicroseconds = model.latencyMicroseconds
    memoryBytesPerSecond = perByte.memory > 0 ? 1e6 / perByte.memory : 0
    diskBytesPerSecond = perByte.disk > 0 ? 1e6 / perByte.disk : 0
  }
}

/// The scheduler as it is now.
package struct SchedulerStatistics: Hashable, Sendable {
  /// Sequences without a worker.
  package var waitingSequences: Int
  /// Sequences that hold blocks on a worker.
  package var runningSequences: Int
  /// What has happened so far.
  package var counters: SchedulerCounters
  /// The members, by epoch.
  package var workers: [WorkerStatistics]
}

/// A member as it is now.
package struct WorkerStatistics: Hashable, Sendable {
  /// The membership.
  package var epoch: Epoch
  /// What it offers.
  package var capabilities: WorkerCapabilities
  /// Whether it takes no new sequences.
  package var isDraining: Bool
  /// Blocks that no sequence holds; cached ones are among them.
  package var freeBlocks: Int
  /// Blocks that can be found by their content.
  package var cachedBlocks: Int
  /// Cached blocks that were given new content, in this membership.
  package var evictedBlocks: Int
  /// Sequences that hold blocks here.
  package var runningSequences: Int
  /// Plans without a result.
  package var plansInFlight: Int
  /// Steps completed in this membership.
  package var stepsCompleted: UInt64
  /// Time spent on them.
  package var computeMicroseconds: Double
  /// Time between them in which sequences waited.
  package var idleMicroseconds: Double
  /// Loads from the KV store that have not ended.
  package var loadsInFlight: Int
  /// What its computing and fetching cost.
  package var transfers: TransferEstimate
}

extension SchedulerCore {
  /// The scheduler as it is now.
  ///
  /// - Complexity: O(workers).
  package var statistics: SchedulerStatistics {
    SchedulerStatistics(
      waitingSequences: waiting.count,
      runningSequences: sequences.count - waiting.count,
      counters: counters,
      workers: workers.map { worker in
        WorkerStatistics(
          epoch: worker.epoch,
          capabilities: worker.capabilities,
          isDraining: worker.isDraining,
          freeBlocks: worker.pool.freeCount,
          cachedBlocks: worker.pool.cachedCount,
          evictedBlocks: worker.pool.evictionCount,
          runningSequences: worker.running.count,
          plansInFlight: worker.plansInFlight.count,
          stepsCompleted: worker.stepsCompleted,
          computeMicroseconds: worker.computeMicroseconds,
          idleMicroseconds: worker.idleMicroseconds,
          loadsInFlight: worker.loads.count,
          transfers: TransferEstimate(worker.transfers)
        )
      }
    )
  }
}
