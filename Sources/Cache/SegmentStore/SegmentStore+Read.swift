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
  package func read(_ key: BlockKey, into buffer: inout PageBuffer) throws(MeshError) -> Range<Int>?
  {
    guard let (location, source) = lookUp(key) else { return nil }
    let record = location.record
    guard record.bufferBytes <= buffer.byteCount else {
      throw MeshError(
        .outOfRange,
        "buffer must have \(record.bufferBytes) bytes or more, this one has \(buffer.byteCount)",
        field: "buffer"
      )
    }
    // The file stays open, and so readable, even if its segment is evicted meanwhile.
    let fault = source.load(record, into: &buffer)
    catalog.withLock { $0.count(fault, of: key, at: location) }
    guard fault == nil else { return nil }
    return RecordHeader.byteCount..<RecordHeader.byteCount + record.payloadBytes
  }

  func lookUp(_ key: BlockKey) -> (SegmentCatalog.Location, RecordSource)? {
    catalog.withLock { catalog in
      guard
        let location = catalog.location(of: key),
        let source = catalog.source(of: location.segment)
      else {
        catalog.counters.misses += 1
        return nil
      }
      return (location, source)
    }
  }
}

extension SegmentCatalog {
  /// Counts a read, and forgets what it found damaged.
  mutating func count(
    _ fault: RecordFault?,
    of key: BlockKey,
    at location: Location
  ) {
    switch fault {
    case nil:
      counters.hits += 1
      countHit(of: key)
      return
    case .unreadable: counters.readErrors += 1
    case .cutOff, .damagedHeader, .foreignHeader, .damagedPayload, .undecodable:
      counters.corruptRecords += 1
    }
    counters.misses += 1
    drop(key, at: location)
  }
}
