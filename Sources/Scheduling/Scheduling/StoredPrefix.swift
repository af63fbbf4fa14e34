/// Where the KV store has a block.
package enum StoreTier: Hashable, Sendable {
  case memory
  case disk
}

/// The leading blocks of a sequence that the KV store has, as one of its lookups told.
package struct StoredPrefix: Hashable, Sendable {
  /// Consecutive blocks in one tier.
  package struct Stretch: Hashable, Sendable {
    /// The tier.
    package var tier: StoreTier
    /// How many blocks; at least 1.
    package var blockCount: Int
    /// How long the store expects reading them to take now, what waits before them included.
    package var estimatedMicroseconds: Double

    /// Creates a stretch.
    package init(tier: StoreTier, blockCount: Int, estimatedMicroseconds: Double = 0) {
      self.tier = tier
      self.blockCount = blockCount
      self.estimatedMicroseconds = estimatedMicroseconds
    }
  }

  /// In the order of the blocks.
  package var stretches: [Stretch]

  /// Creates a prefix; none by default.
  package init(stretches: [Stretch] = []) { self.stretches = stretches }

  /// The number of leading blocks.
  package var blockCount: Int { stretches.reduce(0) { $0 + $1.blockCount } }

  /// The part of the prefix that lies in `blocks`.
  func part(_ blocks: Range<Int>) -> [Stretch] {
    var parts: [Stretch] = []
    var start = 0
    for stretch in stretches {
      let range = (start..<start + stretch.blockCount).clamped(to: blocks)
      start += stretch.blockCount
      guard !range.isEmpty else { continue }
      let share = Double(range.count) / Double(stretch.blockCount)
      parts.append(
        Stretch(
          tier: stretch.tier,
          blockCount: range.count,
          estimatedMicroseconds: stretch.estimatedMicroseconds * share
        )
      )
    }
    return parts
  }
}
