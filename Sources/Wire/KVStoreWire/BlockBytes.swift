/// A block's payload between the wire and a store's memory: read-only bytes in one or more pieces.
///
/// Received payloads are the transport's own buffers; sent ones can be memory that somebody else
/// owns, which is kept alive for as long as this value and the transport need it. Copies share.
package struct BlockBytes: Sendable {
  /// Something that keeps bytes where they are for as long as it lives.
  package typealias Owner = AnyObject & Sendable

  private struct Piece: @unchecked Sendable {
    let owner: any Owner
    let bytes: UnsafeRawBufferPointer
  }

  private var pieces: [Piece] = []
  /// All bytes.
  package private(set) var byteCount = 0

  /// Shares `bytes`, which stay as they are for as long as `owner` lives.
  package init(owner: any Owner, bytes: UnsafeRawBufferPointer) {
    append(Piece(owner: owner, bytes: bytes))
  }

  /// Copies bytes.
  package init(copying bytes: RawSpan) {
    let copy = Copy(byteCount: bytes.byteCount)
    bytes.withUnsafeBytes { copy.memory.copyMemory(from: $0) }
    append(Piece(owner: copy, bytes: UnsafeRawBufferPointer(copy.memory)))
  }

  private mutating func append(_ piece: Piece) {
    pieces.append(piece)
    byteCount += piece.bytes.count
  }

  private final class Copy: @unchecked Sendable {
    let memory: UnsafeMutableRawBufferPointer

    init(byteCount: Int) { memory = .allocate(byteCount: byteCount, alignment: 64) }
    deinit { memory.deallocate() }
  }

  /// Lends the pieces in order.
  package func forEachPiece<E: Error>(_ body: (RawSpan) throws(E) -> Void) throws(E) {
    for piece in pieces {
      defer { withExtendedLifetime(piece.owner) {} }
      try body(piece.bytes.bytes)
    }
  }

  /// Copies everything to the beginning of `room`, which has room for it.
  package func copy(into room: inout MutableRawSpan) {
    room.withUnsafeMutableBytes { room in
      var offset = 0
      forEachPiece { piece in
        piece.withUnsafeBytes { piece in
          UnsafeMutableRawBufferPointer(rebasing: room[offset..<offset + piece.count])
            .copyMemory(from: piece)
          offset += piece.count
        }
      }
    }
  }

  /// A copy of everything.
  package var array: [UInt8] {
    var array: [UInt8] = []
    array.reserveCapacity(byteCount)
    forEachPiece { piece in piece.withUnsafeBytes { array.append(contentsOf: $0) } }
    return array
  }
}
