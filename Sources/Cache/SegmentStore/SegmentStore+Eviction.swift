import BlockCache
import Synchronization

extension SegmentStore {
  /// Evicts segments until a record fits the capacity, with the room for reinsertions left over.
  ///
  /// - Returns: Whether it fits.
  func makeRoom(forRecordBytes recordBytes: Int, _ writer: inout SegmentWriter) -> Bool {
    let limit = settings.capacityBytes - settings.headroomBytes
    var reinserts = settings.reinsertionBytes > 0
    removeDroppedFiles()
    while !hasRoom(forRecordBytes: recordBytes, limit: limit, writer) {
      // One segment's hot records per insert: what is written again stays less than what goes.
      guard evictOldest(reinserting: reinserts, &writer) else { return false }
      reinserts = false
    }
    return true
  }

  /// Evicts segments, hot records too, until all files together have at most `limit` bytes.
  func evictDown(to limit: Int, _ writer: inout SegmentWriter) {
    while catalog.withLock({ $0.occupiedBytes }) > limit {
      guard evictOldest(reinserting: false, &writer) else { return }
    }
  }

  private func hasRoom(
    forRecordBytes recordBytes: Int,
    limit: Int,
    _ writer: borrowing SegmentWriter
  ) -> Bool {
    let growth = writer.growth(
      byRecordBytes: recordBytes,
      segmentBytes: settings.segmentBytes
    )
    return catalog.withLock { $0.occupiedBytes } + growth <= limit
  }

  /// Evicts the oldest segment that is not being written.
  ///
  /// - Returns: Whether there was one, and its file is gone.
  private func evictOldest(reinserting: Bool, _ writer: inout SegmentWriter) -> Bool {
    let activeID = writer.active?.header.id
    // While files cannot be removed, forgetting more records would win nothing.
    let victim = catalog.withLock { catalog in
      catalog.dropped.isEmpty ? catalog.oldestSegment(except: activeID) : nil
    }
    guard let victim else { return false }
    if reinserting { reinsertHotRecords(of: victim, &writer) }
    return discard(victim)
  }

  /// Writes the hit records of a segment again, as far as room and the setting allow.
  private func reinsertHotRecords(of victim: UInt64, _ writer: inout SegmentWriter) {
    let (hot, source) = catalog.withLock { catalog in
      (
        catalog.hotRecords(in: victim, limitBytes: settings.reinsertionBytes),
        catalog.source(of: victim)
      )
    }
    guard let source else { return }
    var reinserted = 0
    for location in hot {
      let record = location.record
      guard
        hasRoom(
          forRecordBytes: record.recordBytes,
          limit: settings.capacityBytes,
          writer
        ),
        (try? prepareSegment(forRecordBytes: record.recordBytes, &writer)) != nil
      else { break }
      guard let header = try? source.loadStored(record, into: &writer.staging) else { continue }
      do {
        try appendStaged(header, &writer)
        reinserted += 1
      } catch {
        break
      }
    }
    guard reinserted > 0 else { return }
    catalog.withLock { $0.counters.reinsertedRecords += reinserted }
    // The copies must be there for certain before the originals go.
    syncActive(&writer)
  }

  /// Forgets a segment's records and removes its file.
  ///
  /// - Returns: Whether the file is gone. If not, its bytes stay counted, and removing it is tried
  ///   again by later inserts.
  @discardableResult
  func discard(_ id: UInt64) -> Bool {
    let keys = catalog.withLock { catalog in
      let keys = catalog.dropRecords(in: id)
      catalog.counters.evictedRecords += keys.count
      if !keys.isEmpty { catalog.counters.evictedSegments += 1 }
      return keys
    }
    if !keys.isEmpty { evicted(keys) }
    return removeDroppedFile(id)
  }

  private func removeDroppedFiles() {
    for id in catalog.withLock({ $0.dropped }) { removeDroppedFile(id) }
  }

  @discardableResult
  private func removeDroppedFile(_ id: UInt64) -> Bool {
    guard (try? device.remove(SegmentHeader.fileName(of: id))) != nil else { return false }
    catalog.withLock { $0.remove(segment: id) }
    return true
  }
}
