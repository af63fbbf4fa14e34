/// How much of a list of keys the store has, from the first key on.
package struct StorePrefix: Sendable, Hashable {
  /// Where blocks are.
  package enum Tier: Sendable, Hashable {
    /// In the store's memory.
    case memory
    /// On the store's disk.
    case disk
  }

  /// Consecutive blocks in one tier.
  package struct Stretch: Sendable, Hashable {
    package var tier: Tier
    package var blockCount: Int
    /// Payload bytes.
    package var byteCount: Int
    /// How long the store says that reading them takes, what waits before them included.
    package var estimatedMicroseconds: Int

    package init(tier: Tier, blockCount: Int, byteCount: Int, estimatedMicroseconds: Int) {
      self.tier = tier
      self.blockCount = blockCount
      self.byteCount = byteCount
      self.estimatedMicroseconds = estimatedMicroseconds
    }
  }

  /// The blocks that are there, in order.
  package var stretches: [Stretch]
  /// Whether every replica that was asked has answered: if not, there may be more.
  package var isComplete: Bool

  package init(stretches: [Stretch] = [], isComplete: Bool = true) {
    self.stretches = stretches
    self.isComplete = isComplete
  }

  /// Leading blocks that are there.
  package var blockCount: Int { stretches.reduce(0) { $0 + $1.blockCount } }
  /// Their payload bytes.
  package var byteCount: Int { stretches.reduce(0) { $0 + $1.byteCount } }
}
