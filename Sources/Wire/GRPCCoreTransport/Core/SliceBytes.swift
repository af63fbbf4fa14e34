internal import CGRPC
internal import GRPCCore
import Synchronization

/// A message's bytes in reference-counted libgrpc slices.
///
/// Received bytes are core's own buffers and sent bytes become core's: neither is copied. A received
/// message can have several pieces; who asks for all bytes in a row gets a copy then, who goes
/// through the pieces gets none. Copies of the value share the slices; writing makes a private one
/// first.
package struct SliceBytes: GRPCContiguousBytes, Sendable {
  private var list: SliceList

  init(owning list: SliceList) {
    self.list = list
  }

  /// Reserves `count` bytes whose contents `initialize` must write.
  private init(count: Int, initialize: (UnsafeMutableRawBufferPointer) -> Void) {
    list = SliceList(count: 1, isShared: false) {
      $0.initialize(to: grpc_slice_malloc(count))
    }
    initialize(list.bytes(at: 0))
  }

  package init(repeating byte: UInt8, count: Int) {
    self.init(count: count) { $0.initializeMemory(as: UInt8.self, repeating: byte) }
  }

  package init<Bytes: Sequence>(_ sequence: Bytes) where Bytes.Element == UInt8 {
    let copied = sequence.withContiguousStorageIfAvailable { source in
      SliceBytes(count: source.count) { $0.copyMemory(from: UnsafeRawBufferPointer(source)) }
    }
    self = copied ?? SliceBytes(Array(sequence))
  }

  package var count: Int { list.byteCount }

  package func withUnsafeBytes<R>(
    _ body: (_ buffer: UnsafeRawBufferPointer) throws -> R
  ) rethrows -> R {
    try withExtendedLifetime(list) {
      try body(UnsafeRawBufferPointer(list.contiguousBytes))
    }
  }

  package mutating func withUnsafeMutableBytes<R>(
    _ body: (_ buffer: UnsafeMutableRawBufferPointer) throws -> R
  ) rethrows -> R {
    if !isKnownUniquelyReferenced(&list) || list.isShared.load(ordering: .acquiring) {
      self = withUnsafeBytes { source in
        SliceBytes(count: source.count) { $0.copyMemory(from: source) }
      }
    }
    return try withExtendedLifetime(list) { try body(list.contiguousBytes) }
  }

  /// Lends the slices to core, after which the bytes never change.
  func withSharedSlices(_ body: (UnsafeBufferPointer<grpc_slice>) -> Void) {
    list.isShared.store(true, ordering: .releasing)
    withExtendedLifetime(list) { body(list.slices) }
  }
}

// MARK: - Pieces

extension SliceBytes {
  /// Something that keeps bytes where they are for as long as it lives. It may be let go of on any
  /// thread.
  package typealias Owner = AnyObject & Sendable

  /// Memory that somebody else owns.
  package struct Piece: @unchecked Sendable {
    /// Keeps the bytes where and as they are.
    package let owner: any Owner
    package let bytes: UnsafeRawBufferPointer

    package init(owner: any Owner, bytes: UnsafeRawBufferPointer) {
      self.owner = owner
      self.bytes = bytes
    }
  }

  /// A copy of `header` followed by `pieces`, which are not copied: their owners live until core
  /// has sent them and no copy of this value is left.
  package init(header: [UInt8], pieces: some Collection<Piece>) {
    list = SliceList(count: 1 + pieces.count, isShared: true) { slices in
      slices.initialize(to: grpc_slice_from_copied_buffer(header, header.count))
      for (index, piece) in pieces.enumerated() {
        (slices + 1 + index).initialize(to: grpc_slice(sharing: piece))
      }
    }
  }

  /// How many pieces there are, at least one.
  package var pieceCount: Int { list.count }

  /// One of the pieces that make up the message in their order.
  package func piece(at index: Int) -> Piece {
    // Its bytes may be read by others from now on.
    list.isShared.store(true, ordering: .releasing)
    return Piece(owner: list, bytes: UnsafeRawBufferPointer(list.bytes(at: index)))
  }
}

extension grpc_slice {
  /// A slice over memory whose owner is released with the slice's last reference.
  fileprivate init(sharing piece: SliceBytes.Piece) {
    self = grpc_slice_new_with_user_data(
      UnsafeMutableRawPointer(mutating: piece.bytes.baseAddress),
      piece.bytes.count,
      { owner in if let owner { Unmanaged<AnyObject>.fromOpaque(owner).release() } },
      Unmanaged<AnyObject>.passRetained(piece.owner).toOpaque()
    )
  }
}
