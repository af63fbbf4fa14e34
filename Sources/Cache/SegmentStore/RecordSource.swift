/// A segment's file to read records from, whatever becomes of the segment meanwhile.
struct RecordSource: Sendable {
  /// Why a record could not be read.
  enum Fault {
    /// It fails its checks.
    case corrupt
    /// The device fails.
    case unreadable
  }

  var file: any SegmentFile
  /// ``SegmentHeader/nonce``.
  var nonce: UInt64

  /// Reads a record to the start of `buffer`, which must be large enough, and checks it.
  func load(_ record: SegmentRecord, into buffer: inout PageBuffer) -> Fault? {
    do {
      let count = try file.read(into: &buffer, 0..<record.recordBytes, from: record.offset)
      let payload = RecordHeader.byteCount..<RecordHeader.byteCount + record.payloadBytes
      guard
        count == record.recordBytes, let header = RecordHeader(from: buffer),
        record.matches(header, nonce: nonce),
        buffer.checksum(of: payload) == record.payloadChecksum
      else { return .corrupt }
      return nil
    } catch {
      return .unreadable
    }
  }
}
