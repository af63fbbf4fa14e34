/// A segment's file to read records from, whatever becomes of the segment meanwhile.
struct RecordSource: Sendable {
  var file: any SegmentFile
  /// ``SegmentHeader/nonce``.
  var nonce: UInt64

  /// Reads a record to the start of `buffer`, which must be large enough, and checks it.
  func load(_ record: SegmentRecord, into buffer: inout PageBuffer) -> RecordFault? {
    let count: Int
    do {
      count = try file.read(into: &buffer, 0..<record.recordBytes, from: record.offset)
    } catch {
      return .unreadable(error)
    }
    guard count == record.recordBytes else { return .cutOff }
    guard let header = RecordHeader(from: buffer) else { return .damagedHeader }
    guard record.matches(header, nonce: nonce) else { return .foreignHeader }
    let payload = RecordHeader.byteCount..<RecordHeader.byteCount + record.payloadBytes
    return buffer.checksum(of: payload) == record.payloadChecksum ? nil : .damagedPayload
  }
}
