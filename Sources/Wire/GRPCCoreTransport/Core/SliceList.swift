internal import CGRPC
import Synchronization

/// Owns references to libgrpc slices that are one message together.
///
/// The slices stay where they are for as long as this lives: small ones hold their bytes inside
/// themselves.
final class SliceList: @unchecked Sendable {
  private let first: UnsafeMutablePointer<grpc_slice>
  /// At least one.
  let count: Int
  /// Of all slices together.
  let byteCount: Int
  /// Someone else may read the bytes: core, the rest of a network buffer that they are part of, or
  /// the owner of the memory.
  let isShared: Atomic<Bool>
  /// What joining the slices gave, once somebody asked.
  private let joined = Mutex<UnsafeMutablePointer<grpc_slice>?>(nil)

  /// Makes room for `count` slices whose references `fill` must hand over.
  init(count: Int, isShared: Bool, fill: (UnsafeMutablePointer<grpc_slice>) -> Void) {
    self.count = max(count, 1)
    first = .allocate(capacity: self.count)
    if count > 0 { fill(first) } else { first.initialize(to: grpc_empty_slice()) }
    byteCount = (0..<self.count).reduce(0) { [first] in $0 + cgrpc_slice_length(first + $1) }
    self.isShared = Atomic(isShared)
  }

  deinit {
    for index in 0..<count { grpc_slice_unref(first[index]) }
    first.deallocate()
    joined.withLock { joined in
      guard let slice = joined.take() else { return }
      grpc_slice_unref(slice.pointee)
      slice.deallocate()
    }
  }

  /// The slices, valid while this lives.
  var slices: UnsafeBufferPointer<grpc_slice> { UnsafeBufferPointer(start: first, count: count) }

  /// The bytes of one slice, valid while this lives.
  func bytes(at index: Int) -> UnsafeMutableRawBufferPointer {
    Self.bytes(of: first + index)
  }

  /// All bytes in a row, valid while this lives. Copies the first time if there are several slices.
  var contiguousBytes: UnsafeMutableRawBufferPointer {
    guard count > 1 else { return bytes(at: 0) }
    return joined.withLock { joined in
      if let slice = joined { return Self.bytes(of: slice) }
      let slice = UnsafeMutablePointer<grpc_slice>.allocate(capacity: 1)
      slice.initialize(to: cgrpc_slices_join(first, count, byteCount))
      joined = slice
      return Self.bytes(of: slice)
    }
  }

  private static func bytes(
    of slice: UnsafeMutablePointer<grpc_slice>
  ) -> UnsafeMutableRawBufferPointer {
    UnsafeMutableRawBufferPointer(
      start: cgrpc_slice_bytes(slice),
      count: cgrpc_slice_length(slice)
    )
  }
}
