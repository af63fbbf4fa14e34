package import BlockCache
import Checksum

/// Room for a block that is being written, for instance read from a disk. Published at most once;
/// given back when it goes away unpublished.
package struct BlockReservation: ~Copyable, Sendable {
  package let namespace: NamespaceID
  package let key: BlockKey
  private let extent: BlockExtent
  private let store: MemoryStore
  private var isPublished = false

  init(namespace: NamespaceID, key: BlockKey, extent: BlockExtent, store: MemoryStore) {
    self.namespace = namespace
    self.key = key
    self.extent = extent
    self.store = store
  }

  deinit {
    if !isPublished { store.abandon(extent.handle) }
  }

  /// The payload's size.
  package var byteCount: Int { extent.byteCount }

  /// Lends the room to be filled. What it holds before is undefined. The pointer must not be used
  /// after the reservation has ended.
  package mutating func withUnsafeMutableBytes<Result, Failure: Error>(
    _ body: (UnsafeMutableRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try body(store.arena.mutableBytes(of: extent))
  }

  /// Copies a part of the payload to `offset` of the room, which must have room for it there.
  package mutating func copy(_ part: RawSpan, to offset: Int) {
    let room = store.arena.mutableBytes(of: extent)
    let target = UnsafeMutableRawBufferPointer(rebasing: room[offset..<offset + part.byteCount])
    part.withUnsafeBytes { target.copyMemory(from: $0) }
  }

  /// Makes the block findable.
  ///
  /// - Parameter checksum: The CRC32C of the complete payload; nil computes it from the room.
  /// - Returns: ``PutOutcome/stored``, ``PutOutcome/present`` or ``PutOutcome/conflict``.
  package consuming func publish(checksum: UInt32? = nil) -> PutOutcome {
    let checksum = checksum ?? CRC32C.checksum(store.arena.bytes(of: extent))
    let outcome = store.publish(extent, namespace: namespace, key: key, checksum: checksum)
    isPublished = outcome == .stored
    return outcome
  }
}
