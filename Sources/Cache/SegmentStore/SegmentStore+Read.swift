package import BlockCache
package import MeshTypes
import Synchronization

extension SegmentStore {
  /// Reads the payload of a key into `buffer`.
  ///
  /// - Parameters:
  ///   - key: The content key.
  ///   - buffer: Memory from ``makeBuffer()`` or larger; its contents are undefined after a miss.
  /// - Returns: Where in `buffer` the payload is, which begins at a page; nil if the store does not
  ///   have it, or what it has is damaged.
  /// - Throws: `outOfRange` if `buffer` is too small for the record.
  package func read(_ key: BlockKey, into buffer: inout PageBuffer) throws(MeshError) -> Range<Int>? {
    let found = catalog.withLock { catalog -> (SegmentCatalog.Location, SegmentCatalog.Segment)? in
      guard
        let location = catalog.location(of: key),
        let segment = catalog.segments[location.segment]
      else {
        catalog.counters.misses += 1
        return nil
      }
      return (location, segment)
    }
    guard let (location, segment) = found, let file = segment.file else { return nil }
    let record = location.record
    guard record.recordBytes <= buffer.byteCount else {
      throw MeshError(
        .outOfRange,
        "a buffer of \(record.recordBytes) bytes is needed, this one has \(buffer.byteCount)",
        field: "buffer")
    }
    // The file stays open, and so readable, even if its segment is evicted meanwhile.
    let fault = Self.load(record, of: segment.header, from: file, into: &buffer)
    catalog.withLock { catalog in
      switch fault {
      case nil:
        catalog.counters.hits += 1
        catalog.countHit(of: key)
        return
      case .corrupt: catalog.counters.corruptRecords += 1
      case .unreadable: catalog.counters.readErrors += 1
      }
      catalog.counters.misses += 1
      catalog.drop(key, at: location)
    }
    guard fault == nil else { return nil }
    return RecordHeader.byteCount..<RecordHeader.byteCount + record.payloadBytes
  }

  /// Why a record could not be read.
  enum ReadFault {
    case corrupt, unreadable
  }

  /// Reads a record to the start of `buffer`, which must be large enough, and checks it.
  static func load(
    _ record: SegmentRecord, of segment: SegmentHeader, from file: any SegmentFile,
    into buffer: inout PageBuffer
  ) -> ReadFault? {
    do {
      let count = try file.read(into: &buffer, 0..<record.recordBytes, from: record.offset)
      let payload = RecordHeader.byteCount..<RecordHeader.byteCount + record.payloadBytes
      guard
        count == record.recordBytes, let header = RecordHeader(from: buffer),
        record.matches(header, nonce: segment.nonce),
        buffer.checksum(of: payload) == record.payloadChecksum
      else { return .corrupt }
      return nil
    } catch {
      return .unreadable
    }
  }
}
