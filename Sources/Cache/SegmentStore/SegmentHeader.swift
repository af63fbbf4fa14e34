/// The first page of a segment file. docs/formats/segment.md has the byte offsets.
package struct SegmentHeader: Hashable, Sendable {
  /// "WEFTSEG" and a line feed, as a little-endian integer.
  static let magic: UInt64 = 0x0a47_4553_5446_4557
  /// The version of segments, records and seals that this code writes and reads.
  package static let version: UInt32 = 1
  /// The highest id and generation that are believed: no store counts that far, and one more can
  /// be added.
  static let maximumCount: UInt64 = 1 << 62
  /// Bytes that the header takes.
  package static let byteCount = PageBuffer.pageBytes
  private static let checkedBytes = 32

  /// Ever increasing within a store; also the file's name.
  package var id: UInt64
  /// A random number that every record and the seal repeat. It tells them from whatever else may
  /// lie in the file: older bytes of the disk, or a payload made to look like a record.
  package var nonce: UInt64

  /// The segment's file name: its id in 16 hexadecimal digits, and `.segment`.
  package var fileName: String { Self.fileName(of: id) }

  /// The file name of a segment.
  package static func fileName(of id: UInt64) -> String {
    let digits = String(id, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits + ".segment"
  }

  /// The id of the segment that a file of this name holds; nil if it is no segment's name.
  package static func id(ofFileName name: String) -> UInt64? {
    let digits = name.prefix(16)
    guard name.count == 24, let id = UInt64(digits, radix: 16), name == fileName(of: id),
      id <= maximumCount
    else { return nil }
    return id
  }

  package init(id: UInt64, nonce: UInt64) {
    self.id = id
    self.nonce = nonce
  }

  /// Reads the header at `offset`.
  ///
  /// - Returns: nil unless magic, version and checksum are right.
  package init?(from buffer: borrowing PageBuffer, at offset: Int = 0) {
    guard
      buffer.load(UInt64.self, at: offset) == Self.magic,
      buffer.load(UInt32.self, at: offset + 8) == Self.version,
      buffer.load(UInt32.self, at: offset + 12) == UInt32(PageBuffer.pageBytes),
      buffer.load(UInt32.self, at: offset + Self.checkedBytes)
        == buffer.checksum(of: offset..<offset + Self.checkedBytes)
    else { return nil }
    id = buffer.load(UInt64.self, at: offset + 16)
    nonce = buffer.load(UInt64.self, at: offset + 24)
  }

  /// Writes the header, a whole page, at `offset`.
  package func store(in buffer: inout PageBuffer, at offset: Int = 0) {
    buffer.clear(offset..<offset + Self.byteCount)
    buffer.store(Self.magic, at: offset)
    buffer.store(Self.version, at: offset + 8)
    buffer.store(UInt32(PageBuffer.pageBytes), at: offset + 12)
    buffer.store(id, at: offset + 16)
    buffer.store(nonce, at: offset + 24)
    buffer.store(
      buffer.checksum(of: offset..<offset + Self.checkedBytes),
      at: offset + Self.checkedBytes
    )
  }
}
