/// What a ``StoreCluster`` has done so far.
package struct StoreClusterStatistics: Sendable, Hashable {
  /// Replicas that answered when last asked.
  package var availableReplicas = 0
  /// Lookups of a list.
  package var lookups = 0
  /// Of these the ones that some replica did not answer.
  package var incompleteLookups = 0
  /// Lists of blocks asked for.
  package var gets = 0
  /// Of these the ones that a replica broke off or let wait for too long.
  package var failedGets = 0
  /// Blocks received.
  package var receivedBlocks = 0
  /// Their payload bytes.
  package var receivedBytes = 0
  /// What became of blocks sent, by outcome.
  package var puts: [PutOutcome: Int] = [:]
  /// Blocks removed.
  package var removedBlocks = 0
}

/// What became of a block that was to be stored.
package enum PutOutcome: Sendable, Hashable {
  /// It is in the store now, or was with the same bytes.
  case stored
  /// The store has other bytes of the same key, and keeps them.
  case conflicting
  /// The store has no room for it.
  case refused
  /// The replica did not answer, or did not understand.
  case failed
}
