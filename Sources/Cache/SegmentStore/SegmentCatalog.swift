import BlockCache

/// Which record of which segment holds which key: the index in memory, as a plain value.
///
/// It lists only what can be read: a record is added after its bytes are written, and removed before
/// its file is.
struct SegmentCatalog: Sendable {
  /// Where a key's payload is.
  struct Location: Sendable {
    var segment: UInt64
    var record: SegmentRecord
    /// Reads since it was written, up to 255.
    var hits: UInt8 = 0
  }

  /// A segment file.
  struct Segment: Sendable {
    var header: SegmentHeader
    /// Nil if it cannot be opened, in which case nothing in it is used.
    var file: (any SegmentFile)?
    /// The file's length, as far as it may have grown.
    var byteCount: Int
    /// Keys written to it; some may have moved on or been dropped.
    var keys: [BlockKey] = []
  }

  private var locations: [BlockKey: Location] = [:]
  private(set) var segments: [UInt64: Segment] = [:]
  /// Ids in the order of writing, the dropped ones excluded.
  private var order: [UInt64] = []
  /// Ids of segments whose files are still to be removed.
  private(set) var dropped: Set<UInt64> = []

  /// The counters; what the store holds is filled in by ``statistics``.
  var counters = SegmentStoreStatistics()
  /// Bytes of all segment files.
  private(set) var occupiedBytes = 0

  /// What the store holds and has done.
  var statistics: SegmentStoreStatistics {
    var statistics = counters
    statistics.occupiedBytes = occupiedBytes
    statistics.records = locations.count
    statistics.segments = segments.count
    return statistics
  }

  /// Where `key` is.
  func location(of key: BlockKey) -> Location? { locations[key] }

  /// Where to read a segment's records from; nil if its file cannot be opened.
  func source(of segment: UInt64) -> RecordSource? {
    guard let segment = segments[segment], let file = segment.file else { return nil }
    return RecordSource(file: file, nonce: segment.header.nonce)
  }

  /// Whether `key` is there.
  func contains(_ key: BlockKey) -> Bool { locations[key] != nil }

  /// Counts a read of `key`.
  mutating func countHit(of key: BlockKey) {
    guard let index = locations.index(forKey: key) else { return }
    let hits = locations.values[index].hits
    locations.values[index].hits = hits == .max ? hits : hits + 1
  }

  /// Adds a segment, newer than all others.
  mutating func add(_ segment: Segment) {
    let id = segment.header.id
    precondition(order.last.map { id > $0 } ?? true, "segments come in order")
    segments[id] = segment
    order.append(id)
    occupiedBytes += segment.byteCount
  }

  /// Sets how long a segment's file may be.
  mutating func resize(_ id: UInt64, to byteCount: Int) {
    guard let old = segments[id]?.byteCount else { return }
    segments[id]?.byteCount = byteCount
    occupiedBytes += byteCount - old
  }

  /// Makes a record, whose bytes are written, the one that holds its key.
  ///
  mutating func publish(_ record: SegmentRecord, in segment: UInt64) {
    locations[record.key] = Location(segment: segment, record: record)
    segments[segment]?.keys.append(record.key)
  }

  /// Forgets the record at `location`, if it is still the one in use.
  mutating func drop(_ key: BlockKey, at location: Location) {
    guard
      let current = locations[key], current.segment == location.segment,
      current.record.offset == location.record.offset
    else { return }
    locations[key] = nil
  }

  /// Forgets `key`.
  ///
  /// - Returns: Whether it was there.
  mutating func remove(_ key: BlockKey) -> Bool { locations.removeValue(forKey: key) != nil }

  /// The segment written first, other than `excluded`.
  func oldestSegment(except excluded: UInt64?) -> UInt64? { order.first { $0 != excluded } }

  /// The records of a segment that are in use, in the order of writing.
  func records(in segment: UInt64) -> [Location] {
    var seen: Set<BlockKey> = []
    return (segments[segment]?.keys ?? []).compactMap { key in
      guard let location = locations[key], location.segment == segment, seen.insert(key).inserted
      else { return nil }
      return location
    }
  }

  /// The records of a segment that were hit since they were written, the most hit first, as many as
  /// `limitBytes` hold.
  func hotRecords(in segment: UInt64, limitBytes: Int) -> [Location] {
    var left = limitBytes
    let hot = records(in: segment).filter { $0.hits > 0 }.sorted { a, b in
      (a.hits, a.record.offset) > (b.hits, b.record.offset)
    }
    return hot.filter { location in
      guard location.record.recordBytes <= left else { return false }
      left -= location.record.recordBytes
      return true
    }
  }

  /// Forgets all records of a segment; its file still counts until ``remove(segment:)``.
  ///
  /// - Returns: The keys forgotten.
  mutating func dropRecords(in segment: UInt64) -> [BlockKey] {
    let dropped = records(in: segment)
    for location in dropped { locations[location.record.key] = nil }
    segments[segment]?.keys = []
    order.removeAll { $0 == segment }
    if segments[segment] != nil { self.dropped.insert(segment) }
    return dropped.map(\.record.key)
  }

  /// Forgets a segment whose file is gone.
  mutating func remove(segment: UInt64) {
    guard let removed = segments.removeValue(forKey: segment) else { return }
    let wasDropped = dropped.remove(segment) != nil
    precondition(wasDropped, "records are dropped before their file is removed")
    occupiedBytes -= removed.byteCount
  }
}
