/// What a segment file holds, every record read and checked: for people who look into a store.
package struct SegmentInspection: Sendable {
  /// The segment's header, records and ending.
  package var contents: SegmentScanner.Contents
  /// Those of its records that fail their checks.
  package var damaged: [SegmentRecord] = []

  /// Reads a whole segment.
  ///
  /// - Returns: nil if there is no segment header, or one of another id.
  /// - Throws: If the segment's header cannot be read for another reason.
  package init?(of file: any SegmentFile, id: UInt64) throws(DeviceError) {
    var scanner = SegmentScanner()
    guard let contents = try scanner.contents(of: file, id: id) else { return nil }
    self.contents = contents
    let source = RecordSource(file: file, nonce: contents.header.nonce)
    // No record is longer than the file.
    let longest = contents.records.map(\.recordBytes).max()
    var buffer = PageBuffer(byteCount: longest ?? PageBuffer.pageBytes)
    damaged = contents.records.filter { source.load($0, into: &buffer) != nil }
  }
}
