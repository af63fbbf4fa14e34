import Checksum
import GRPCCoreTransport

/// A block's payload between the wire and a store's memory: read-only bytes in one or more pieces.
///
/// Received payloads are the transport's own buffers; sent ones can be memory that somebody else
/// owns, which is kept alive for as long as this value and the transport need it. Copies share.
package struct BlockBytes: Sendable {
  /// Something that keeps bytes where they are for as long as it lives. It may be let go of on any
  /// thread.
  package typealias Owner = AnyObject & Sendable

  /// In their order; none is empty.
  private(set) var pieces: [SliceBytes.Piece] = []
  /// All bytes.
  package private(set) var byteCount = 0

  /// No bytes.
  package init() {}

  /// Shares `bytes`, which stay as they are for as long as `owner` lives.
  package init(owner: any Owner, bytes: UnsafeRawBufferPointer) {
    append(SliceBytes.Piece(owner: owner, bytes: bytes))
  }

  /// Copies bytes.
  ///
  /// - Parameter companion: Kept for as long as the copy.
  package init(copying bytes: RawSpan, keeping companion: (any Owner)? = nil) {
    let copy = Copy(byteCount: bytes.byteCount, companion: companion)
    bytes.withUnsafeBytes { copy.memory.copyMemory(from: $0) }
    append(SliceBytes.Piece(owner: copy, bytes: UnsafeRawBufferPointer(copy.memory)))
  }

  /// Lets `more` follow, shared with its other owners.
  package mutating func append(_ more: BlockBytes) {
    for piece in more.pieces { append(piece) }
  }

  mutating func append(_ piece: SliceBytes.Piece) {
    guard !piece.bytes.isEmpty else { return }
    pieces.append(piece)
    byteCount += piece.bytes.count
  }

  private final class Copy: @unchecked Sendable {
    let memory: UnsafeMutableRawBufferPointer
    private let companion: (any Owner)?

    init(byteCount: Int, companion: (any Owner)?) {
      memory = .allocate(byteCount: byteCount, alignment: 64)
      self.companion = companion
    }

    deinit { memory.deallocate() }
  }
}

// MARK: - Reading

extension BlockBytes {
  /// Lends the pieces in order.
  package func forEachPiece<E: Error>(_ body: (RawSpan) throws(E) -> Void) throws(E) {
    for piece in pieces {
      defer { withExtendedLifetime(piece.owner) {} }
      try body(piece.bytes.bytes)
    }
  }

  /// Copies everything to the beginning of `room`, which has room for it.
  package func copy(into room: inout MutableRawSpan) {
    copy(into: &room) { _ in }
  }

  /// Copies everything to the beginning of `room`, which has room for it.
  ///
  /// - Returns: The CRC32C of the copied bytes. Each piece is summed up while the cache still has it,
  ///   which costs less than going over all of it again.
  package func copyWithChecksum(into room: inout MutableRawSpan) -> UInt32 {
    var checksum: UInt32 = 0
    copy(into: &room) { checksum = CRC32C.checksum($0.bytes, after: checksum) }
    return checksum
  }

  /// The CRC32C of all bytes.
  ///
  /// - Parameter preceding: The checksum of the bytes that stand before these, or 0.
  package func checksum(after preceding: UInt32 = 0) -> UInt32 {
    var checksum = preceding
    forEachPiece { checksum = CRC32C.checksum($0, after: checksum) }
    return checksum
  }

  /// A copy of everything.
  package var array: [UInt8] {
    [UInt8](unsafeUninitializedCapacity: byteCount) { buffer, count in
      var room = MutableRawSpan(_unsafeBytes: UnsafeMutableRawBufferPointer(buffer))
      copy(into: &room)
      count = byteCount
    }
  }

  /// The bytes of a range, shared with this value.
  package subscript(range: Range<Int>) -> BlockBytes {
    precondition(range.lowerBound >= 0 && range.upperBound <= byteCount, "no such bytes")
    var part = BlockBytes()
    var start = 0
    for piece in pieces where start < range.upperBound {
      let overlap = range.clamped(to: start..<start + piece.bytes.count)
      let bytes = piece.bytes[(overlap.lowerBound - start)..<(overlap.upperBound - start)]
      part.append(SliceBytes.Piece(owner: piece.owner, bytes: .init(rebasing: bytes)))
      start += piece.bytes.count
    }
    return part
  }

  private func copy(
    into room: inout MutableRawSpan,
    visit: (UnsafeRawBufferPointer) -> Void
  ) {
    room.withUnsafeMutableBytes { room in
      var offset = 0
      for piece in pieces {
        defer { withExtendedLifetime(piece.owner) {} }
        let target = UnsafeMutableRawBufferPointer(
          rebasing: room[offset..<offset + piece.bytes.count]
        )
        target.copyMemory(from: piece.bytes)
        visit(UnsafeRawBufferPointer(target))
        offset += piece.bytes.count
      }
    }
  }
}
