import CKernels
import MeshTypes

/// A zeroed region of memory, aligned to a page.
final class Region {
  let base: UnsafeMutableRawPointer
  let byteCount: Int

  /// - Throws: ``MeshError`` `resourceExhausted` when the system gives no memory.
  init(byteCount: Int) throws(MeshError) {
    let size = max(byteCount, 1)
    guard let base = wk_memory_allocate(size) else {
      throw MeshError(.resourceExhausted, "no memory for \(byteCount) bytes")
    }
    self.base = base
    self.byteCount = size
  }

  /// - Throws: ``MeshError`` `resourceExhausted` also when the size does not fit in an `Int`.
  convenience init<Element>(
    of type: Element.Type,
    counts: [Int]
  ) throws(MeshError) where Element: BitwiseCopyable {
    try self.init(byteCount: Region.byteCount(of: [MemoryLayout<Element>.stride] + counts))
  }

  deinit { wk_memory_free(base, byteCount) }

  /// The product of non-negative factors.
  ///
  /// - Throws: ``MeshError`` `resourceExhausted` when it does not fit in an `Int`.
  static func byteCount(of factors: [Int]) throws(MeshError) -> Int {
    var product = 1
    for factor in factors {
      let (next, overflow) = product.multipliedReportingOverflow(by: factor)
      guard !overflow, next >= 0 else {
        throw MeshError(.resourceExhausted, "no memory for \(factors) bytes")
      }
      product = next
    }
    return product
  }

  func typed<Element: BitwiseCopyable>(_ type: Element.Type) -> UnsafeMutablePointer<Element> {
    base.bindMemory(to: type, capacity: byteCount / MemoryLayout<Element>.stride)
  }
}
