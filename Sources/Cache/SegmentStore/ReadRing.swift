import CStoreIO

/// Reads that the kernel works on at the same time, handed over by one thread.
///
/// A protocol, so that tests can let reads fail, fall short and overtake each other.
package protocol ReadRing: AnyObject, Sendable {
  /// Hands a read to the kernel.
  ///
  /// - Parameters:
  ///   - memory: Stays, and is not touched, until the read is finished.
  ///   - token: What ``wait()`` tells of it; no two reads under way have the same.
  /// - Returns: Whether the kernel has it now. If not, it never will.
  func submit(
    descriptor: Int32,
    into memory: UnsafeMutableRawBufferPointer,
    from offset: Int,
    token: UInt64
  ) -> Bool

  /// Waits until one of the reads under way is finished; there must be one.
  ///
  /// - Returns: The read's token, and its bytes or the negative `errno`.
  func wait() -> (token: UInt64, result: Int32)
}

/// A ring of io_uring.
final class KernelRing: ReadRing, @unchecked Sendable {
  private let ring: OpaquePointer

  /// Makes a ring.
  ///
  /// - Returns: nil where the kernel has no io_uring, or the process may not use it.
  init?(depth: Int) {
    var error: Int32 = 0
    guard let ring = wk_ring_create(UInt32(depth), &error) else { return nil }
    self.ring = ring
  }

  deinit { wk_ring_destroy(ring) }

  func submit(
    descriptor: Int32,
    into memory: UnsafeMutableRawBufferPointer,
    from offset: Int,
    token: UInt64
  ) -> Bool {
    wk_ring_submit(
      ring,
      descriptor,
      memory.baseAddress,
      UInt32(memory.count),
      Int64(offset),
      token
    ) == 0
  }

  func wait() -> (token: UInt64, result: Int32) {
    var token: UInt64 = 0
    var result: Int32 = 0
    wk_ring_wait(ring, &token, &result)
    return (token, result)
  }
}
