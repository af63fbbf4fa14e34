import CStoreMemory
import Glibc
package import MeshTypes

/// The bytes of a ``MemoryTier``: one mapping, made once.
///
/// It may be read and written from any thread. That nobody reads what somebody writes is the
/// tier's doing: a reservation belongs to its one writer until it is published, published bytes
/// never change while somebody holds them, and both pass through the lock around the tier.
package final class MemoryArena: @unchecked Sendable {
  private let base: UnsafeMutableRawPointer
  package let byteCount: Int
  /// Whether the system agreed to back it with 2 MiB pages where it can.
  package let usesHugePages: Bool

  /// Maps the memory.
  ///
  /// - Parameter isResident: Whether all pages are made resident at once; if not, each is when it is
  ///   first written.
  /// - Throws: ``MeshError`` `resourceExhausted` when the system refuses.
  package init(
    byteCount: Int,
    requestsHugePages: Bool = true,
    isResident: Bool = false
  ) throws(MeshError) {
    precondition(byteCount > 0, "an arena has bytes")
    guard let base = wk_arena_map(byteCount) else {
      throw MeshError(
        .resourceExhausted,
        "cannot map \(byteCount) bytes: \(String(cString: strerror(errno)))",
        field: "capacityBytes"
      )
    }
    self.base = base
    self.byteCount = byteCount
    usesHugePages = requestsHugePages && wk_arena_request_huge_pages(base, byteCount)
    guard !isResident || wk_arena_populate(base, byteCount) else {
      throw MeshError(
        .resourceExhausted,
        "there is no memory for \(byteCount) bytes: \(String(cString: strerror(errno)))",
        field: "capacityBytes"
      )
    }
  }

  deinit { wk_arena_unmap(base, byteCount) }

  /// The bytes of a held block. Valid until it is released.
  func bytes(of extent: BlockExtent) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(mutableBytes(of: extent))
  }

  /// The bytes of a reservation, for its writer alone. Valid until it is published or abandoned.
  func mutableBytes(of extent: BlockExtent) -> UnsafeMutableRawBufferPointer {
    precondition(
      extent.offset >= 0 && extent.byteCount <= byteCount - extent.offset,
      "the extent lies in the arena"
    )
    return UnsafeMutableRawBufferPointer(
      start: base + extent.offset,
      count: extent.byteCount
    )
  }
}
