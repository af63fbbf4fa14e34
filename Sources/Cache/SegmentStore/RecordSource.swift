/// A segment's file to read records from, whatever becomes of the segment meanwhile.
struct RecordSource: Sendable {
  var file: any SegmentFile
  /// ``SegmentHeader/nonce``.
  var nonce: UInt64

  /// Reads a record to the start of `buffer`, which must be large enough, and checks it.
  func load(_ record: SegmentRecord, into buffer: inout PageBuffer) -> RecordFault? {
    do {
      let count = try file.read(into: &buffer, 0..<record.recordBytes, from: record.offset)
      return check(record, in: buffer, 0..<count)
    } catch {
      return .unreadable(error)
    }
  }

  /// Checks a record that was read to `range` of `buffer`.
  func check(
    _ record: SegmentRecord,
    in buffer: borrowing PageBuffer,
    _ range: Range<Int>
  ) -> RecordFault? {
    guard range.count == record.recordBytes else { return .cutOff }
    guard let header = RecordHeader(from: buffer, at: range.lowerBound) else {
      return .damagedHeader
    }
    guard record.matches(header, nonce: nonce) else { return .foreignHeader }
    let start = range.lowerBound + RecordHeader.byteCount
    let payload = start..<start + record.payloadBytes
    return buffer.checksum(of: payload) == record.payloadChecksum ? nil : .damagedPayload
  }
}
