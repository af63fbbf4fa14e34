package import BlockCache
import GRPCCore
package import KVStoreWire
import MeshProtos
import MeshRuntime
import SwiftProtobuf
import Synchronization

/// How a ``StoreCluster/get(_:in:deadline:receive:)`` ended.
package struct GetReport: Sendable, Hashable {
  /// Why there are no more blocks.
  package enum Ending: Sendable, Hashable {
    /// All came.
    case complete
    /// The next one is not there, or its replica is not asked at present.
    case missing
    /// The receiver had enough.
    case stopped
    /// The deadline passed.
    case late
    /// A replica kept silent for too long.
    case stalled
    /// A replica broke off, or sent what was not asked for.
    case failed
    /// The task was cancelled.
    case cancelled
  }

  /// Blocks that the receiver has taken.
  package var blockCount: Int
  package var ending: Ending

  package init(blockCount: Int, ending: Ending) {
    self.blockCount = blockCount
    self.ending = ending
  }
}

extension StoreCluster {
  /// Reads blocks, from several replicas at the same time, until one is missing or late.
  ///
  /// - Parameters:
  ///   - keys: What to read.
  ///   - namespace: Where from.
  ///   - deadline: When to give up.
  ///   - receive: Takes each block with the place of its key, in order. On the caller's actor; no
  ///     more than a few blocks arrive ahead of it. False or an error for enough.
  package func get(
    _ keys: [BlockKey],
    in namespace: String,
    deadline: ContinuousClock.Instant,
    receive: (Int, GotBlock) async throws -> Bool
  ) async -> GetReport {
    let keys = Array(keys.prefix(Self.maximumKeys))
    let places = placement.places(of: keys)
    let asked = places.indices.filter { !places[$0].isEmpty }
    let progress = GetProgress(replicaCount: replicas.count)
    let report = await withTaskGroup(of: Void.self) { group in
      for index in asked {
        group.addTask {
          await self.read(places[index].map { keys[$0] }, in: namespace, deadline, index, progress)
        }
      }
      group.addTask {
        await progress.watch(until: deadline, stallTimeout: self.settings.stallTimeout)
      }
      let report = await deliver(keys, progress, receive)
      progress.close()
      group.cancelAll()
      return report
    }
    counts.withLock { counts in
      counts.gets += 1
      if report.ending == .failed || report.ending == .stalled { counts.failedGets += 1 }
    }
    return report
  }

  /// Hands the blocks on in the order of the keys.
  private func deliver(
    _ keys: [BlockKey],
    _ progress: GetProgress,
    _ receive: (Int, GotBlock) async throws -> Bool
  ) async -> GetReport {
    var received = [UInt32](repeating: 0, count: replicas.count)
    for (place, key) in keys.enumerated() {
      let replica = placement.replica(of: key)
      guard let block = await progress.next(from: replica) else {
        return GetReport(blockCount: place, ending: progress.ending(of: replica))
      }
      guard block.keyIndex == received[replica] else {
        progress.markFailed(replica)
        return GetReport(blockCount: place, ending: .failed)
      }
      received[replica] += 1
      counts.withLock { counts in
        counts.receivedBlocks += 1
        counts.receivedBytes += block.payload.byteCount
      }
      guard (try? await receive(place, block)) == true else {
        return GetReport(blockCount: place, ending: Task.isCancelled ? .cancelled : .stopped)
      }
    }
    return GetReport(blockCount: keys.count, ending: .complete)
  }

  /// Reads one replica's part of the blocks into its channel.
  private func read(
    _ keys: [BlockKey],
    in namespace: String,
    _ deadline: ContinuousClock.Instant,
    _ index: Int,
    _ progress: GetProgress
  ) async {
    let replica = replicas[index]
    let channel = progress.channels[index]
    defer { channel.finish() }
    guard await replica.admits(within: deadline - .now) else { return }
    let request = Weft_Kvstore_V1_GetRequest.with {
      $0.namespace = namespace
      $0.keys = keys.wireBytes
    }
    let allowed = max(.zero, deadline - .now)
    do {
      try await Weft_Kvstore_V1_KVStoreService.getBlocks(
        request,
        on: replica.grpc,
        options: StoreReplica.options(timeout: allowed)
      ) { response in
        for try await block in response.messages {
          guard await channel.send(block) else { return }
        }
      }
      replica.record(progress.outcome(of: index) ?? .answered)
    } catch {
      let outcome = progress.outcome(of: index) ?? CircuitBreaker.Outcome(of: error)
      switch outcome {
      case .failed, .answered: progress.markFailed(index)
      case .timedOut: progress.markLate()
      case .abandoned: break
      }
      // A reader in a hurry says nothing about the replica.
      let isHasty = outcome == .timedOut && allowed < settings.stallTimeout
      replica.record(isHasty ? .abandoned : outcome)
    }
  }
}
