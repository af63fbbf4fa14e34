package import BlockCache

/// A block's record in a tier, as long as somebody holds it; later uses are noticed and trap.
package struct BlockHandle: Hashable, Sendable {
  var entry: Int32
  var generation: UInt32
}

/// Where a held block lies in the arena.
package struct BlockExtent: Hashable, Sendable {
  package var handle: BlockHandle
  /// From the arena's beginning; a multiple of 4096.
  package var offset: Int
  package var byteCount: Int
  /// The payload's CRC32C, as it was published; 0 before.
  package var checksum: UInt32
}

/// What came of asking for room; a full tier is a normal answer.
package enum ReservationOutcome: Hashable, Sendable {
  /// Room to fill. End with ``MemoryTier/publish(_:checksum:)`` or ``MemoryTier/abandon(_:)``.
  case reserved(BlockExtent)
  /// The key is here already, and is held for the caller to compare; end with
  /// ``MemoryTier/release(_:)``.
  case present(BlockExtent)
  /// Everything that could go is pinned, held or being written.
  case exhausted
  /// The block is larger than the namespace's quota.
  case overQuota
}

/// What came of publishing.
package enum PublicationOutcome: Hashable, Sendable {
  /// The block can be found; the reservation has ended.
  case published
  /// The key came first from somebody else, and is held for the caller to compare; end with
  /// ``MemoryTier/release(_:)``. The reservation goes on.
  case present(BlockExtent)
}

/// The longest prefix of a list of keys that a tier has.
package struct PrefixMatch: Hashable, Sendable {
  /// The number of leading keys present.
  package var blockCount = 0
  /// The sizes of their payloads, added up.
  package var byteCount = 0

  /// Nothing found.
  package init() {}
}

/// A block that left the index to go to the next tier; its bytes stay until it is released.
package struct Demotion: Hashable, Sendable {
  package var namespace: NamespaceID
  package var key: BlockKey
  package var extent: BlockExtent
  /// How often it was used since it was published.
  package var useCount: UInt32
}
