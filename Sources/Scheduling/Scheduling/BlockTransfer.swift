package import BlockCache
package import MeshTypes

/// A load on one worker: unique in its membership.
package struct LoadID: NumericIdentifier {
  /// The load's number, above 0.
  package var rawValue: UInt64

  /// The load with this number.
  package init(rawValue: UInt64) { self.rawValue = rawValue }
}

/// Blocks of one sequence that a worker copies away for the KV store.
package struct BlockStore: Hashable, Sendable {
  /// 1, 2, 3, … in the membership.
  package var number: UInt64
  /// The tenant's namespace.
  package var namespace: String
  /// Physical blocks.
  package var blocks: [BlockID]
  /// Their content keys.
  package var keys: [BlockKey]
  /// Whether it is the plan's own step that makes them full: each layer is copied once it is
  /// computed. Otherwise they are full, and copied before the step or a later one writes to them.
  package var isAsComputed = false
}

/// Consecutive blocks of one sequence that a worker fetches from the KV store while steps go on. No
/// plan uses them before the load's result.
package struct BlockLoad: Hashable, Sendable {
  /// Answered by a ``LoadResult`` of the same id.
  package var id: LoadID
  /// The tenant's namespace.
  package var namespace: String
  /// Physical blocks to fill.
  package var blocks: [BlockID]
  /// Their content keys.
  package var keys: [BlockKey]
  /// After this time what has not come yet is given up.
  package var timeoutMilliseconds: Int
}

/// How a load ended.
package struct LoadResult: Hashable, Sendable {
  /// The load.
  package var id: LoadID
  /// Leading blocks that are filled and verified.
  package var loadedBlocks: Int
  /// Time from its beginning to its end.
  package var microseconds: Double
  /// Payload bytes that came from the store's memory.
  package var memoryBytes: Int
  /// Payload bytes that came from its disk.
  package var diskBytes: Int

  /// Creates a result.
  package init(
    id: LoadID,
    loadedBlocks: Int,
    microseconds: Double = 0,
    memoryBytes: Int = 0,
    diskBytes: Int = 0
  ) {
    self.id = id
    self.loadedBlocks = loadedBlocks
    self.microseconds = microseconds
    self.memoryBytes = memoryBytes
    self.diskBytes = diskBytes
  }
}
