import BlockCache
import FoundationEssentials
import SegmentStore

/// What `weft store inspect` says about a segment.
struct SegmentReport: Encodable, Sendable {
  /// A record, and why it cannot be read, if it cannot.
  struct Record: Encodable, Sendable {
    var offset: Int
    /// 64 hexadecimal digits.
    var key: String
    var payloadBytes: Int
    /// Fewer than the payload has, if it is compressed.
    var storedBytes: Int
    var generation: UInt64
    /// nil for a record whose checks all pass.
    var fault: String?
  }

  var path: String
  var id: UInt64
  /// Why nothing of the segment can be read; the rest is empty then.
  var failure: String?
  var version: UInt32?
  /// `sealed`, `open` or `torn`.
  var ending: String?
  var fileBytes = 0
  var recordCount = 0
  var payloadBytes = 0
  /// Where the bytes that are no record begin, and how many they are.
  var tornOffset: Int?
  var tornBytes: Int?
  var damaged: [Record] = []
  var records: [Record]?

  /// Whether every byte that belongs to a record is as it was written.
  var isIntact: Bool { failure == nil && damaged.isEmpty && tornBytes == nil }

  init(_ location: SegmentReader.Location, failure: String) {
    path = location.path
    id = location.id
    self.failure = failure
  }

  init(_ location: SegmentReader.Location, _ inspection: SegmentInspection) {
    let contents = inspection.contents
    path = location.path
    id = location.id
    version = SegmentHeader.version
    ending = "\(contents.ending)"
    fileBytes = contents.fileBytes
    recordCount = contents.records.count
    payloadBytes = contents.records.reduce(0) { $0 + $1.payloadBytes }
    if contents.ending == .torn {
      tornOffset = contents.end
      tornBytes = contents.fileBytes - contents.end
    }
    damaged = inspection.damaged.map { Record($0.record, $0.fault) }
    let faults = Dictionary(
      inspection.damaged.map { ($0.record.offset, $0.fault) },
      uniquingKeysWith: { first, _ in first }
    )
    records = contents.records.map { Record($0, faults[$0.offset]) }
  }

  /// A line of JSON.
  func json(withRecords: Bool) throws -> String {
    var report = self
    if !withRecords { report.records = nil }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(report), as: UTF8.self) + "\n"
  }

  /// Lines for people.
  func text(withRecords: Bool) -> String {
    if let failure { return "\(path): \(failure)\n" }
    let state = ending == "torn" ? "open" : ending ?? ""
    var lines = [
      "\(path): version \(version ?? 0), \(state), \(recordCount) records, \(fileBytes) bytes, "
        + "\(damaged.count) damaged"
    ]
    if let tornOffset, let tornBytes {
      lines.append("  torn tail: \(tornBytes) bytes from \(tornOffset) on are no record")
    }
    lines += (withRecords ? records ?? [] : damaged).map(\.line)
    return lines.joined(separator: "\n") + "\n"
  }
}

extension SegmentReport.Record {
  fileprivate init(_ record: SegmentRecord, _ fault: RecordFault?) {
    self.init(
      offset: record.offset,
      key: record.key.bytes.map { byte in
        (byte < 16 ? "0" : "") + String(byte, radix: 16)
      }.joined(),
      payloadBytes: record.payloadBytes,
      storedBytes: record.storedBytes,
      generation: record.generation,
      fault: fault?.description
    )
  }

  fileprivate var line: String {
    "  record at \(offset): key \(key), \(payloadBytes) bytes"
      + (storedBytes < payloadBytes ? " in \(storedBytes)" : "")
      + ", generation \(generation), " + (fault ?? "CRC ok")
  }
}
