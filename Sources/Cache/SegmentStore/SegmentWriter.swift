import BlockCache
import Glibc

/// What the one thread that writes at a time works on.
struct SegmentWriter: ~Copyable {
  /// The segment that is appended to.
  struct Active {
    var header: SegmentHeader
    var file: any SegmentFile
    /// Where the next record goes; whole pages.
    var end = SegmentHeader.byteCount
    /// What its table will list.
    var records: [SegmentRecord] = []
  }

  /// Nil until something is to be written.
  var active: Active?
  /// Holds the record or the table that is being written.
  var staging: PageBuffer
  var nextSegmentID: UInt64
  var nextGeneration: UInt64
  /// Bytes written to the active segment since it was made durable.
  var unsyncedBytes = 0
  /// Whether files were created since the directory was made durable; at first by a store before,
  /// perhaps.
  var directoryChanged = true
  /// The first failure to make something durable that nobody has been told about.
  var syncFailure: DeviceError?
  private var randomNumbers: any RandomNumberGenerator & Sendable

  init(
    settings: SegmentStoreSettings,
    nextSegmentID: UInt64,
    nextGeneration: UInt64,
    active: Active?,
    randomNumbers: any RandomNumberGenerator & Sendable
  ) {
    // Records have at least two pages, which bounds the table.
    let mostRecords = settings.segmentBytes / (2 * PageBuffer.pageBytes)
    staging = PageBuffer(
      byteCount: max(
        RecordHeader.recordBytes(payloadBytes: settings.maximumPayloadBytes),
        SegmentSeal.byteCount(recordCount: mostRecords)
      )
    )
    self.nextSegmentID = nextSegmentID
    self.nextGeneration = nextGeneration
    self.active = active
    self.randomNumbers = randomNumbers
  }

  /// The header of the next segment.
  mutating func nextSegmentHeader() -> SegmentHeader {
    defer { nextSegmentID += 1 }
    return SegmentHeader(id: nextSegmentID, nonce: randomNumbers.next())
  }

  /// Whether a record, and the seal behind it, still fit the active segment.
  func fits(recordBytes: Int, in segmentBytes: Int) -> Bool {
    guard let active else { return false }
    let seal = SegmentSeal.byteCount(recordCount: active.records.count + 1)
    return active.end + recordBytes + seal <= segmentBytes
  }

  /// Bytes that the files grow by, at most, until a record is written and its segment sealed.
  func growth(byRecordBytes recordBytes: Int, segmentBytes: Int) -> Int {
    let sealed = active.map { SegmentSeal.byteCount(recordCount: $0.records.count) } ?? 0
    if fits(recordBytes: recordBytes, in: segmentBytes) {
      let records = active?.records.count ?? 0
      return recordBytes + SegmentSeal.byteCount(recordCount: records + 1)
    }
    return sealed + SegmentHeader.byteCount + recordBytes + SegmentSeal.byteCount(recordCount: 1)
  }
}

extension SegmentFile {
  /// Writes all of `range`, going on after writes that were cut short.
  ///
  /// - Throws: The device's error; a device that takes less than a page is full.
  func writeAll(
    _ buffer: borrowing PageBuffer,
    _ range: Range<Int>,
    to offset: Int
  ) throws(DeviceError) {
    var done = 0
    while done < range.count {
      let written = try write(
        buffer,
        range.lowerBound + done..<range.upperBound,
        to: offset + done
      )
      let pages = written / PageBuffer.pageBytes * PageBuffer.pageBytes
      guard pages > 0 else { throw DeviceError("write", "a segment", code: ENOSPC) }
      done += pages
    }
  }
}
