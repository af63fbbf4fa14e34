internal import CGRPC
internal import GRPCCore
import Synchronization

/// A message's bytes in a reference-counted libgrpc slice.
///
/// Received bytes are core's own buffer and sent bytes become core's: neither is copied. Copies of
/// the value share the slice; writing makes a private one first.
package struct SliceBytes: GRPCContiguousBytes, Sendable {
  private final class Storage: @unchecked Sendable {
    /// Small slices hold their bytes inside themselves, so this is written in place.
    var slice: grpc_slice
    /// Someone else may read the bytes: core, or the rest of a network buffer that they are part of.
    let isShared: Atomic<Bool>

    init(owning slice: grpc_slice, isShared: Bool) {
      self.slice = slice
      self.isShared = Atomic(isShared)
    }

    deinit {
      grpc_slice_unref(slice)
    }
  }

  private var storage: Storage

  /// Takes over the caller's reference to bytes that others may read.
  init(owning slice: grpc_slice) {
    storage = Storage(owning: slice, isShared: true)
  }

  /// Reserves `count` bytes whose contents `initialize` must write.
  private init(count: Int, initialize: (UnsafeMutableRawBufferPointer) -> Void) {
    storage = Storage(owning: grpc_slice_malloc(count), isShared: false)
    initialize(
      UnsafeMutableRawBufferPointer(start: cgrpc_slice_bytes(&storage.slice), count: count)
    )
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

  package var count: Int {
    withUnsafePointer(to: storage.slice) { cgrpc_slice_length($0) }
  }

  package func withUnsafeBytes<R>(
    _ body: (_ buffer: UnsafeRawBufferPointer) throws -> R
  ) rethrows -> R {
    try withExtendedLifetime(storage) {
      var slice = storage.slice
      return try withUnsafeMutablePointer(to: &slice) { slice in
        try body(
          UnsafeRawBufferPointer(start: cgrpc_slice_bytes(slice), count: cgrpc_slice_length(slice))
        )
      }
    }
  }

  package mutating func withUnsafeMutableBytes<R>(
    _ body: (_ buffer: UnsafeMutableRawBufferPointer) throws -> R
  ) rethrows -> R {
    if !isKnownUniquelyReferenced(&storage) || storage.isShared.load(ordering: .acquiring) {
      self = withUnsafeBytes { source in
        SliceBytes(count: source.count) { $0.copyMemory(from: source) }
      }
    }
    return try withUnsafeMutablePointer(to: &storage.slice) { slice in
      try body(
        UnsafeMutableRawBufferPointer(
          start: cgrpc_slice_bytes(slice),
          count: cgrpc_slice_length(slice)
        )
      )
    }
  }

  /// Lends the slice to core, after which the bytes never change.
  func withSharedSlice(_ body: (grpc_slice) -> Void) {
    storage.isShared.store(true, ordering: .releasing)
    body(storage.slice)
  }
}
