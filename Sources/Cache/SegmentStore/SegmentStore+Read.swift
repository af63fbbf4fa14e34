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
    // Ends after a round or two: each drops a record that is damaged.
    while let (location, segment) = lookUp(key) {
      let record = location.record
      guard record.recordBytes <= buffer.byteCount else {
        throw MeshError(
          .outOfRange,
          "must have \(record.recordBytes) bytes or more, this one has \(buffer.byteCount)",
          field: "buffer")
      }
      // The file stays open, and so readable, even if its segment is evicted meanwhile.
      let fault = Self.load(record, of: segment, into: &buffer)
      catalog.withLock { $0.count(fault, of: key, at: location) }
      if fault == nil {
        return RecordHeader.byteCount..<RecordHeader.byteCount + record.payloadBytes
      }
    }
    catalog.withLock { $0.counters.misses += 1 }
    return nil
  }

  private func lookUp(
    _ key: BlockKey
  ) -> (SegmentCatalog.Location, SegmentCatalog.Segment)? {
    catalog.withLock { catalog in
      guard
        let location = catalog.location(of: key),
        let segment = catalog.segments[location.segment]
      else { return nil }
      return (location, segment)
    }
  }

  /// Why a record could not be read.
  enum ReadFault {
    case corrupt, unreadable
  }

  /// Reads a record to the start of `buffer`, which must be large enough, and checks it.
  static func load(
    _ record: SegmentRecord, of segment: SegmentCatalog.Segment, into buffer: inout PageBuffer
  ) -> ReadFault? {
    guard let file = segment.file else { return .unreadable }
    do {
      let count = try file.read(into: &buffer, 0..<record.recordBytes, from: record.offset)
      let payload = RecordHeader.byteCount..<RecordHeader.byteCount + record.payloadBytes
      guard
        count == record.recordBytes, let header = RecordHeader(from: buffer),
        record.matches(header, nonce: segment.header.nonce),
        buffer.checksum(of: payload) == record.payloadChecksum
      else { return .corrupt }
      return nil
    } catch {
      return .unreadable
    }
  }
}

extension SegmentCatalog {
  /// Counts a read, and forgets what it found damaged.
  fileprivate mutating func count(
    _ fault: SegmentStore.ReadFault?, of key: BlockKey, at location: Location
  ) {
    switch fault {
    case nil:
      counters.hits += 1
      countHit(of: key)
      return
    case .corrupt: counters.corruptRecords += 1
    case .unreadable: counters.readErrors += 1
    }
    drop(key, at: location)
  }
}
