import MeshTypes

/// Reads little-endian values from untrusted bytes, front to back, never past their end.
///
/// Reads fail with `corrupted` errors about ``subject``.
struct ByteCursor {
  private let bytes: UnsafeRawBufferPointer
  /// Where the next read begins; always in `0...bytes.count`.
  private(set) var offset = 0
  /// The metadata key, tensor or part of the file that is being read, for errors.
  var subject = "header"

  /// - Parameter bytes: What to read; must outlive the cursor.
  init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  var remaining: Int { bytes.count - offset }

  /// A `corrupted` error about ``subject``.
  func corrupted(_ message: String) -> MeshError {
    MeshError(.corrupted, "\(subject.quoted): \(message)", field: subject)
  }

  /// The next `count` bytes.
  mutating func take(_ count: Int) throws(MeshError) -> UnsafeRawBufferPointer {
    guard count >= 0, count <= remaining else {
      throw corrupted(
        "needs \(count) bytes at offset \(offset), but the file's header ends at \(bytes.count)"
      )
    }
    defer { offset += count }
    return UnsafeRawBufferPointer(rebasing: bytes[offset..<(offset + count)])
  }

  mutating func integer<T: FixedWidthInteger>(_: T.Type = T.self) throws(MeshError) -> T {
    T(littleEndian: try take(MemoryLayout<T>.size).loadUnaligned(as: T.self))
  }

  /// A 64-bit count of things that take at least `minimumByteCount` bytes each: at most `limit`,
  /// and at most as many as the bytes left can hold, so that memory may be reserved for it.
  mutating func count(
    of things: StaticString,
    limit: Int,
    minimumByteCount: Int
  ) throws(MeshError) -> Int {
    let start = offset
    let value = try integer(UInt64.self)
    guard value <= UInt64(limit) else {
      throw corrupted("has \(value) \(things) at offset \(start), at most \(limit) are allowed")
    }
    let count = Int(value)
    guard count <= remaining / minimumByteCount else {
      throw corrupted(
        "claims \(count) \(things) at offset \(start), but only \(remaining) bytes are left"
      )
    }
    return count
  }

  /// A string: its length in bytes, then that many bytes of UTF-8, which must be valid.
  mutating func string(maximumByteCount: Int) throws(MeshError) -> String {
    let count = try count(of: "bytes of text", limit: maximumByteCount, minimumByteCount: 1)
    let start = offset
    let text = try take(count)
    guard let string = String(validating: text, as: UTF8.self) else {
      throw corrupted("the text at offset \(start) is not valid UTF-8")
    }
    return string
  }

  mutating func boolean() throws(MeshError) -> Bool {
    switch try integer(UInt8.self) {
    case 0: return false
    case 1: return true
    case let byte: throw corrupted("a boolean must be 0 or 1, got \(byte) at offset \(offset - 1)")
    }
  }

  /// `count` integers or floats in a row.
  mutating func elements<T: BitwiseCopyable>(
    _ count: Int,
    of _: T.Type = T.self
  ) throws(MeshError) -> [T] {
    let source = try take(count * MemoryLayout<T>.size)
    return [T](unsafeUninitializedCapacity: count) { buffer, initialized in
      UnsafeMutableRawBufferPointer(buffer).copyMemory(from: source)
      initialized = count
    }
  }
}

extension String {
  /// In quotes, with control characters escaped, and short: names from a file may hold anything.
  var quoted: String {
    utf8.count <= 256 ? debugDescription : String(prefix(200)).debugDescription + "…"
  }
}
