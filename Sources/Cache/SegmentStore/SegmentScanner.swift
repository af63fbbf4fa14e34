/// Finds the records of a segment file by its seal and table, or else by its headers.
///
/// Nothing that it finds is trusted: reading a record checks its header and payload again.
package struct SegmentScanner: ~Copyable {
  /// How a segment file ends.
  package enum Ending: Hashable, Sendable {
    /// With a seal and a table that are right.
    case sealed
    /// Right behind its last record.
    case open
    /// With bytes that are no record: a torn tail, or a header that is damaged.
    case torn
  }

  /// What is in a segment file.
  package struct Contents: Hashable, Sendable {
    package var header: SegmentHeader
    /// In the order of writing, if there is no table: up to the first that is not right.
    package var records: [SegmentRecord]
    package var ending: Ending
    /// Where the last record ends.
    package var end: Int
    /// The file's length.
    package var fileBytes: Int
  }

  private static let pageBytes = PageBuffer.pageBytes
  private var page = PageBuffer(byteCount: pageBytes)

  package init() {}

  /// Reads a segment's header, and its table or all records' headers.
  ///
  /// - Returns: nil if there is no segment header, or one of another id.
  /// - Throws: If the segment's header cannot be read for another reason.
  /// - Complexity: Without a seal, one read of a page per record.
  package mutating func contents(
    of file: any SegmentFile,
    id: UInt64
  ) throws(DeviceError) -> Contents? {
    let fileBytes = try file.byteCount()
    guard
      try file.read(into: &page, 0..<Self.pageBytes, from: 0) == Self.pageBytes,
      let header = SegmentHeader(from: page), header.id == id
    else { return nil }
    if let sealed = sealedContents(of: file, header: header, fileBytes: fileBytes) {
      return sealed
    }
    return scannedContents(of: file, header: header, fileBytes: fileBytes)
  }

  /// A page that the device cannot read is as good as a damaged one.
  private mutating func readPage(of file: any SegmentFile, at offset: Int) -> Bool {
    (try? file.read(into: &page, 0..<Self.pageBytes, from: offset)) == Self.pageBytes
  }

  private mutating func sealedContents(
    of file: any SegmentFile,
    header: SegmentHeader,
    fileBytes: Int
  ) -> Contents? {
    guard
      fileBytes % Self.pageBytes == 0, fileBytes <= SegmentStoreSettings.maximumSegmentBytes,
      readPage(of: file, at: fileBytes - Self.pageBytes),
      let seal = SegmentSeal(from: page, fileBytes: fileBytes),
      seal.id == header.id, seal.nonce == header.nonce, seal.recordCount > 0
    else { return nil }
    // No longer than the file, whose length is bounded.
    let tablePages = SegmentSeal.tablePages(recordCount: seal.recordCount)
    let tableBytes = seal.recordCount * SegmentRecord.tableEntryBytes
    var table = PageBuffer(byteCount: tablePages)
    guard
      (try? file.read(into: &table, 0..<tablePages, from: seal.tableOffset)) == tablePages,
      table.checksum(of: 0..<tableBytes) == seal.tableChecksum
    else { return nil }
    var records: [SegmentRecord] = []
    records.reserveCapacity(seal.recordCount)
    for entry in 0..<seal.recordCount {
      guard
        let record = SegmentRecord(
          from: table,
          at: entry * SegmentRecord.tableEntryBytes,
          limit: seal.tableOffset
        )
      else { return nil }
      records.append(record)
    }
    return Contents(
      header: header,
      records: records,
      ending: .sealed,
      end: seal.tableOffset,
      fileBytes: fileBytes
    )
  }

  private mutating func scannedContents(
    of file: any SegmentFile,
    header: SegmentHeader,
    fileBytes: Int
  ) -> Contents {
    var contents = Contents(
      header: header,
      records: [],
      ending: .open,
      end: SegmentHeader.byteCount,
      fileBytes: fileBytes
    )
    // A damaged header ends the scan. To look for the next one further on would mean to look into
    // payloads, which others choose.
    while contents.end < fileBytes {
      guard
        readPage(of: file, at: contents.end), let record = RecordHeader(from: page),
        record.nonce == header.nonce, record.recordBytes <= fileBytes - contents.end
      else {
        contents.ending = .torn
        break
      }
      contents.records.append(SegmentRecord(record, offset: contents.end))
      contents.end += record.recordBytes
    }
    return contents
  }
}
