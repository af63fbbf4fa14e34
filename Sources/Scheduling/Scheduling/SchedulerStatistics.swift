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
  /// Sequences that gave way to others.
  package var preemptions: UInt64 = 0
  /// Memberships that ended by loss.
  package var workerLosses: UInt64 = 0

  init() {}
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
          stepsCompleted: worker.stepsCompleted
        )
      }
    )
  }
}
