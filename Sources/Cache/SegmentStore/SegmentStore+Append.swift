import BlockCache
import Glibc
import Synchronization

extension DeviceError {
  /// Whether the device may take more once something else was removed from it.
  var isFull: Bool { code == ENOSPC || code == EDQUOT }
}

extension SegmentStore {
  /// Writes a new record, after making room for it.
  func append(
    _ key: BlockKey,
    _ payload: RawSpan,
    _ checksum: UInt32,
    _ compressed: borrowing CompressedPayload,
    _ writer: inout SegmentWriter
  ) -> InsertOutcome {
    // Another thread may have been faster.
    if let outcome = existing(key, payload.byteCount, checksum) { return outcome }
    // The segment's nonce and the generation are not known yet.
    let header = RecordHeader(
      key: key,
      payloadBytes: payload.byteCount,
      generation: 0,
      nonce: 0,
      payloadChecksum: checksum,
      compressed: compressed.form
    )
    guard makeRoom(forRecordBytes: header.recordBytes, &writer) else { return .full }
    do {
      try prepareSegment(forRecordBytes: header.recordBytes, &writer)
      if compressed.form == nil {
        writer.staging.copy(payload, to: RecordHeader.byteCount)
      } else {
        compressed.withBytes { writer.staging.copy($0, to: RecordHeader.byteCount) }
      }
      try appendStaged(header, &writer)
      return .stored
    } catch {
      return error.isFull ? .full : .failed(error)
    }
  }

  /// Sees to an active segment that has room for a record: seals the full one, begins the next.
  func prepareSegment(
    forRecordBytes recordBytes: Int,
    _ writer: inout SegmentWriter
  ) throws(DeviceError) {
    if writer.fits(recordBytes: recordBytes, in: settings.segmentBytes) { return }
    seal(&writer)
    let header = writer.nextSegmentHeader()
    let file = try device.create(header.fileName)
    writer.directoryChanged = true
    catalog.withLock {
      $0.add(.init(header: header, file: file, byteCount: SegmentHeader.byteCount))
    }
    header.store(in: &writer.staging)
    do {
      try file.writeAll(writer.staging, 0..<SegmentHeader.byteCount, to: 0)
    } catch {
      discard(header.id)
      throw error
    }
    writer.active = SegmentWriter.Active(header: header, file: file)
  }

  /// Writes the record whose payload, as it is stored, is in the staging memory; then makes it known.
  ///
  /// - Parameter header: Gets the active segment's nonce and the next generation.
  func appendStaged(
    _ header: RecordHeader,
    _ writer: inout SegmentWriter
  ) throws(DeviceError) {
    guard let active = writer.active else { preconditionFailure("no segment was prepared") }
    var header = header
    header.generation = writer.nextGeneration
    header.nonce = active.header.nonce
    let record = SegmentRecord(header, offset: active.end)
    header.store(in: &writer.staging)
    writer.staging.clear(RecordHeader.byteCount + header.storedBytes..<record.recordBytes)
    catalog.withLock { $0.resize(active.header.id, to: record.end) }
    do {
      try active.file.writeAll(writer.staging, 0..<record.recordBytes, to: record.offset)
    } catch {
      abandonTail(after: error, &writer)
      throw error
    }
    writer.nextGeneration += 1
    writer.active?.end = record.end
    writer.active?.records.append(record)
    writer.unsyncedBytes += record.recordBytes
    catalog.withLock { catalog in
      catalog.counters.writtenBytes += record.recordBytes
      catalog.counters.savedBytes += record.bufferBytes - record.recordBytes
      catalog.publish(record, in: active.header.id)
    }
    let interval = settings.syncIntervalBytes
    if interval > 0, writer.unsyncedBytes >= interval { syncActive(&writer) }
  }

  /// Cuts off what a failed write may have left behind the last record.
  ///
  /// Where that fails too, and after errors other than a full device, the segment ends here.
  private func abandonTail(after error: DeviceError, _ writer: inout SegmentWriter) {
    guard let active = writer.active else { return }
    do {
      try active.file.truncate(to: active.end)
      catalog.withLock { $0.resize(active.header.id, to: active.end) }
      if error.isFull { return }
    } catch {
      // The bytes stay counted.
    }
    retire(&writer)
  }

  /// Writes the active segment's table and seal, and ends it. A seal that cannot be written only
  /// makes the next start slower.
  private func seal(_ writer: inout SegmentWriter) {
    guard let active = writer.active else { return }
    guard !active.records.isEmpty else { return retire(&writer) }
    let tableBytes = active.records.count * SegmentRecord.tableEntryBytes
    let tablePages = SegmentSeal.tablePages(recordCount: active.records.count)
    writer.staging.clear(0..<tablePages)
    for (index, record) in active.records.enumerated() {
      record.store(in: &writer.staging, at: index * SegmentRecord.tableEntryBytes)
    }
    let seal = SegmentSeal(
      id: active.header.id,
      nonce: active.header.nonce,
      tableOffset: active.end,
      recordCount: active.records.count,
      tableChecksum: writer.staging.checksum(of: 0..<tableBytes)
    )
    seal.store(in: &writer.staging, at: tablePages)
    let sealBytes = tablePages + PageBuffer.pageBytes
    catalog.withLock { $0.resize(active.header.id, to: active.end + sealBytes) }
    do {
      try active.file.writeAll(writer.staging, 0..<sealBytes, to: active.end)
      writer.unsyncedBytes += sealBytes
    } catch {
      if (try? active.file.truncate(to: active.end)) != nil {
        catalog.withLock { $0.resize(active.header.id, to: active.end) }
      }
    }
    retire(&writer)
  }

  /// Ends the active segment, made durable as far as possible.
  private func retire(_ writer: inout SegmentWriter) {
    guard let active = writer.active else { return }
    writer.active = nil
    if active.records.isEmpty {
      discard(active.header.id)
    } else {
      sync(active.file, &writer)
    }
    writer.unsyncedBytes = 0
  }

  /// Makes the active segment durable. One that cannot be is not written to any more.
  func syncActive(_ writer: inout SegmentWriter) {
    guard let active = writer.active, writer.unsyncedBytes > 0 else { return }
    if sync(active.file, &writer) {
      writer.unsyncedBytes = 0
    } else {
      writer.active = nil
      writer.unsyncedBytes = 0
    }
  }

  @discardableResult
  private func sync(_ file: any SegmentFile, _ writer: inout SegmentWriter) -> Bool {
    do {
      try file.sync()
      if writer.directoryChanged { try device.syncDirectory() }
      writer.directoryChanged = false
      catalog.withLock { $0.counters.syncs += 1 }
      return true
    } catch {
      writer.syncFailure = writer.syncFailure ?? error
      catalog.withLock { $0.counters.syncErrors += 1 }
      return false
    }
  }
}
