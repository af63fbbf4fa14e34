import Checksum

/// Memory at a page boundary, of whole pages: what files are read into and written from without a
/// copy in between.
///
/// Here are this module's only pointers; every access checks its range.
package struct PageBuffer: ~Copyable, @unchecked Sendable {
  /// Bytes in a page: the unit of all positions and lengths in a segment.
  package static let pageBytes = 4096

  /// Whole pages.
  package let byteCount: Int
  private let memory: UnsafeMutableRawPointer

  /// Allocates zeroed memory.
  ///
  /// - Parameter byteCount: At least 1; rounded up to whole pages.
  package init(byteCount: Int) {
    precondition(byteCount > 0, "a buffer has at least one byte")
    self.byteCount = Self.wholePages(byteCount)
    memory = .allocate(byteCount: self.byteCount, alignment: Self.pageBytes)
    memory.initializeMemory(as: UInt8.self, repeating: 0, count: self.byteCount)
  }

  deinit { memory.deallocate() }

  /// `byteCount` rounded up to whole pages.
  package static func wholePages(_ byteCount: Int) -> Int {
    (byteCount + pageBytes - 1) / pageBytes * pageBytes
  }

  /// Lends the bytes in `range`.
  package borrowing func withBytes<R, E: Error>(
    in range: Range<Int>,
    _ body: (RawSpan) throws(E) -> R
  ) throws(E) -> R {
    try body(UnsafeRawBufferPointer(at(range)).bytes)
  }

  /// Lends the bytes in `range` for writing.
  package mutating func withMutableBytes<R, E: Error>(
    in range: Range<Int>,
    _ body: (inout MutableRawSpan) throws(E) -> R
  ) throws(E) -> R {
    let bytes = at(range)
    var span = bytes.mutableBytes
    return try body(&span)
  }

  /// Copies `bytes` to `offset`.
  package mutating func copy(_ bytes: RawSpan, to offset: Int) {
    let target = at(offset..<offset + bytes.byteCount)
    bytes.withUnsafeBytes { target.copyMemory(from: $0) }
  }

  /// Sets the bytes in `range` to zero.
  package mutating func clear(_ range: Range<Int>) {
    at(range).initializeMemory(as: UInt8.self, repeating: 0)
  }

  /// The little-endian integer at `offset`.
  package borrowing func load<T: FixedWidthInteger>(_ type: T.Type, at offset: Int) -> T {
    let bytes = UnsafeRawBufferPointer(at(offset..<offset + MemoryLayout<T>.size))
    return T(littleEndian: bytes.loadUnaligned(as: type))
  }

  /// Writes an integer, little-endian, at `offset`.
  package mutating func store<T: FixedWidthInteger>(_ value: T, at offset: Int) {
    at(offset..<offset + MemoryLayout<T>.size)
      .storeBytes(of: value.littleEndian, as: T.self)
  }

  /// The CRC32C of the bytes in `range`.
  package borrowing func checksum(of range: Range<Int>) -> UInt32 {
    CRC32C.checksum(UnsafeRawBufferPointer(at(range)))
  }

  /// The bytes in `range`, for the system calls of this module.
  borrowing func at(_ range: Range<Int>) -> UnsafeMutableRawBufferPointer {
    precondition(
      range.lowerBound >= 0 && range.upperBound <= byteCount,
      "\(range) lies outside of a buffer of \(byteCount) bytes"
    )
    return UnsafeMutableRawBufferPointer(start: memory + range.lowerBound, count: range.count)
  }
}
