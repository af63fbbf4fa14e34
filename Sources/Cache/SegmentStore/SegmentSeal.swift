/// The last page of a full segment, behind the table of its records. docs/formats/segment.md has
/// the byte offsets.
///
/// A store that starts reads the seal and the table instead of every record's header.
package struct SegmentSeal: Hashable, Sendable {
  /// "WEFTEND" and a line feed, as a little-endian integer.
  static let magic: UInt64 = 0x0a44_4e45_5446_4557
  private static let checkedBytes = 44

  /// ``SegmentHeader/id``.
  package var id: UInt64
  /// ``SegmentHeader/nonce``.
  package var nonce: UInt64
  /// Where the table begins: the end of the last record.
  package var tableOffset: Int
  /// Entries in the table.
  package var recordCount: Int
  /// CRC32C of the table, without the zeros that fill its last page.
  package var tableChecksum: UInt32

  /// Bytes that the table's pages take.
  package static func tablePages(recordCount: Int) -> Int {
    PageBuffer.wholePages(recordCount * SegmentRecord.tableEntryBytes)
  }

  /// Bytes that the table's pages and the seal take.
  package static func byteCount(recordCount: Int) -> Int {
    tablePages(recordCount: recordCount) + PageBuffer.pageBytes
  }

  package init(
    id: UInt64,
    nonce: UInt64,
    tableOffset: Int,
    recordCount: Int,
    tableChecksum: UInt32
  ) {
    self.id = id
    self.nonce = nonce
    self.tableOffset = tableOffset
    self.recordCount = recordCount
    self.tableChecksum = tableChecksum
  }

  /// Reads the seal of a segment file whose last page is at `offset` of `buffer`.
  ///
  /// - Returns: nil unless magic, version and checksum are right, and the table ends where the seal
  ///   begins.
  package init?(from buffer: borrowing PageBuffer, at offset: Int = 0, fileBytes: Int) {
    guard
      buffer.load(UInt64.self, at: offset) == Self.magic,
      buffer.load(UInt32.self, at: offset + 8) == SegmentHeader.version,
      buffer.load(UInt32.self, at: offset + Self.checkedBytes)
        == buffer.checksum(of: offset..<offset + Self.checkedBytes),
      let tableOffset = Int(exactly: buffer.load(UInt64.self, at: offset + 32)),
      tableOffset % PageBuffer.pageBytes == 0
    else { return nil }
    recordCount = Int(buffer.load(UInt32.self, at: offset + 12))
    id = buffer.load(UInt64.self, at: offset + 16)
    nonce = buffer.load(UInt64.self, at: offset + 24)
    self.tableOffset = tableOffset
    tableChecksum = buffer.load(UInt32.self, at: offset + 40)
    // The count has 32 bits, so no product overflows. A record has two pages or more.
    guard
      tableOffset >= SegmentHeader.byteCount, tableOffset < fileBytes,
      recordCount * 2 * PageBuffer.pageBytes < tableOffset,
      tableOffset + Self.byteCount(recordCount: recordCount) == fileBytes
    else { return nil }
  }

  /// Writes the seal, a whole page, at `offset`.
  package func store(in buffer: inout PageBuffer, at offset: Int = 0) {
    buffer.clear(offset..<offset + PageBuffer.pageBytes)
    buffer.store(Self.magic, at: offset)
    buffer.store(SegmentHeader.version, at: offset + 8)
    buffer.store(UInt32(recordCount), at: offset + 12)
    buffer.store(id, at: offset + 16)
    buffer.store(nonce, at: offset + 24)
    buffer.store(UInt64(tableOffset), at: offset + 32)
    buffer.store(tableChecksum, at: offset + 40)
    buffer.store(
      buffer.checksum(of: offset..<offset + Self.checkedBytes),
      at: offset + Self.checkedBytes
    )
  }
}
