/// A segment's file to read records from, whatever becomes of the segment meanwhile.
struct RecordSource: Sendable {
  var file: any SegmentFile
  /// ``SegmentHeader/nonce``.
  var nonce: UInt64

  /// Reads a record's payload to the second page of `buffer`, which must have the record's
  /// `bufferBytes`, and checks it.
  func load(_ record: SegmentRecord, into buffer: inout PageBuffer) -> RecordFault? {
    do {
      guard record.isCompressed else {
        _ = try loadStored(record, into: &buffer)
        return nil
      }
      var stored = PageBuffer(byteCount: record.recordBytes)
      let header = try loadStored(record, into: &stored)
      try decompress(header, in: stored, at: 0, to: &buffer)
      return nil
    } catch {
      return error
    }
  }

  /// Reads a record to the start of `buffer`, which must have its `recordBytes`, its payload as it
  /// is stored, and checks that.
  func loadStored(
    _ record: SegmentRecord,
    into buffer: inout PageBuffer
  ) throws(RecordFault) -> RecordHeader {
    let count: Int
    do {
      count = try file.read(into: &buffer, 0..<record.recordBytes, from: record.offset)
    } catch {
      throw .unreadable(error)
    }
    return try check(record, in: buffer, 0..<count)
  }

  /// Checks a record, its payload as it is stored, that was read to `range` of `buffer`.
  func check(
    _ record: SegmentRecord,
    in buffer: borrowing PageBuffer,
    _ range: Range<Int>
  ) throws(RecordFault) -> RecordHeader {
    guard range.count == record.recordBytes else { throw .cutOff }
    guard let header = RecordHeader(from: buffer, at: range.lowerBound) else {
      throw .damagedHeader
    }
    guard record.matches(header, nonce: nonce) else { throw .foreignHeader }
    let start = range.lowerBound + RecordHeader.byteCount
    guard buffer.checksum(of: start..<start + header.storedBytes) == header.storedChecksum else {
      throw .damagedPayload
    }
    return header
  }

  /// Decompresses a record that was checked to the second page of `buffer`, and checks the payload.
  ///
  /// - Parameter start: Where in `stored` the record begins.
  func decompress(
    _ header: RecordHeader,
    in stored: borrowing PageBuffer,
    at start: Int,
    to buffer: inout PageBuffer
  ) throws(RecordFault) {
    guard let form = header.compressed else { preconditionFailure("it is compressed") }
    let payload = RecordHeader.byteCount..<RecordHeader.byteCount + header.payloadBytes
    guard
      form.decompress(stored, at: start + RecordHeader.byteCount, to: payload, of: &buffer),
      buffer.checksum(of: payload) == header.payloadChecksum
    else { throw .undecodable }
  }
}
