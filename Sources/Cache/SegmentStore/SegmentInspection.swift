/// What a segment file holds, every record read and checked: for people who look into a store.
package struct SegmentInspection: Sendable {
  /// A record that cannot be given back.
  package struct Damage: Hashable, Sendable {
    package var record: SegmentRecord
    package var fault: RecordFault
  }

  /// The segment's header, records and ending.
  package var contents: SegmentScanner.Contents
  /// Those of its records that fail their checks, in the order of the contents.
  package var damaged: [Damage] = []

  /// Whether every byte that belongs to a record is as it was written.
  package var isIntact: Bool { damaged.isEmpty && contents.ending != .torn }

  /// Reads a whole segment.
  ///
  /// - Returns: nil if there is no segment header, or one of another id.
  /// - Throws: If the segment's header cannot be read for another reason.
  package init?(of file: any SegmentFile, id: UInt64) throws(DeviceError) {
    var scanner = SegmentScanner()
    guard let contents = try scanner.contents(of: file, id: id) else { return nil }
    self.contents = contents
    let source = RecordSource(file: file, nonce: contents.header.nonce)
    let longest = contents.records.map(\.bufferBytes).max()
    var buffer = PageBuffer(byteCount: longest ?? PageBuffer.pageBytes)
    for record in contents.records {
      if let fault = source.load(record, into: &buffer) {
        damaged.append(Damage(record: record, fault: fault))
      }
    }
  }
}
