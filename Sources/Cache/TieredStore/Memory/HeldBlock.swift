package import BlockCache

/// A block held for reading: its bytes stay where they are as long as this lives.
///
/// Made to be passed to whoever sends the bytes; the last reference releases the block.
package final class HeldBlock: Sendable {
  package let key: BlockKey
  /// The payload's CRC32C, as it was stored.
  package let checksum: UInt32
  private let extent: BlockExtent
  private let store: MemoryStore

  init(key: BlockKey, extent: BlockExtent, store: MemoryStore) {
    self.key = key
    self.checksum = extent.checksum
    self.extent = extent
    self.store = store
  }

  deinit { store.release(extent.handle) }

  /// The payload's size.
  package var byteCount: Int { extent.byteCount }

  /// Lends the payload. The pointer must not leave `body` unless this object is kept alive with it.
  package func withUnsafeBytes<Result, Failure: Error>(
    _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try body(store.arena.bytes(of: extent))
  }

  /// Lends the payload.
  package func withBytes<Result, Failure: Error>(
    _ body: (RawSpan) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try body(store.arena.bytes(of: extent).bytes)
  }

  /// Shares the payload with whoever takes it away with its owner, which keeps it where it is: for
  /// `BlockBytes(owner:bytes:)`.
  package func share<Result>(
    with take: (_ owner: any AnyObject & Sendable, _ bytes: UnsafeRawBufferPointer) -> Result
  ) -> Result {
    take(self, store.arena.bytes(of: extent))
  }

  /// Whether the payload has `piece` at `offset`.
  package func hasSameBytes(as piece: RawSpan, at offset: Int) -> Bool {
    guard offset >= 0, piece.byteCount <= byteCount - offset else { return false }
    let own = UnsafeRawBufferPointer(
      rebasing: store.arena.bytes(of: extent)[offset..<offset + piece.byteCount]
    )
    return piece.withUnsafeBytes { $0.hasSameBytes(as: own) }
  }

  /// A copy of the payload.
  package var bytes: [UInt8] { withUnsafeBytes { Array($0) } }
}
