import BlockCache
import Glibc
import MeshTypes

/// How far opening a store has come.
package struct RecoveryProgress: Hashable, Sendable {
  /// Segment files that were indexed or given up, and all of them.
  package var segments: Int
  package var segmentsInTotal: Int
  /// Records found.
  package var records: Int
  /// Bytes of the segment files indexed.
  package var bytes: Int
}

/// Rebuilds the index from the segment files.
///
/// Reads the seal and table of each sealed segment and the headers of the others. Payloads are
/// checked when they are read; here only those of records that are there twice.
struct Recovery: ~Copyable {
  private let device: any SegmentDevice
  private let settings: SegmentStoreSettings
  private var scanner = SegmentScanner()

  private(set) var catalog = SegmentCatalog()
  private(set) var nextSegmentID: UInt64 = 1
  private(set) var nextGeneration: UInt64 = 1
  /// The newest segment, if it is open and can be written on.
  private(set) var active: SegmentWriter.Active?

  /// Indexes all segments on `device`.
  static func run(
    on device: any SegmentDevice,
    settings: SegmentStoreSettings,
    progress: (RecoveryProgress) -> Void
  ) throws(MeshError) -> Recovery {
    var recovery = Recovery(device: device, settings: settings)
    let ids = try recovery.segmentIDs()
    for (index, id) in ids.enumerated() {
      try recovery.index(id, isNewest: index == ids.count - 1)
      let statistics = recovery.catalog.statistics
      progress(
        RecoveryProgress(
          segments: index + 1,
          segmentsInTotal: ids.count,
          records: statistics.records,
          bytes: statistics.occupiedBytes
        )
      )
    }
    return recovery
  }

  private init(device: any SegmentDevice, settings: SegmentStoreSettings) {
    self.device = device
    self.settings = settings
  }

  private mutating func segmentIDs() throws(MeshError) -> [UInt64] {
    do {
      let names = try device.fileNames()
      let ids = names.compactMap(SegmentHeader.id(ofFileName:)).sorted()
      catalog.counters.unknownFiles =
        names.count { $0 != SegmentDirectory.lockName } - ids.count
      return ids
    } catch {
      throw MeshError(.unavailable, "cannot list the segments: \(error)")
    }
  }

  private mutating func index(_ id: UInt64, isNewest: Bool) throws(MeshError) {
    // Whatever is there, its name is taken.
    nextSegmentID = id + 1
    guard let file = try open(id), let fileBytes = try? file.byteCount() else {
      // It may be readable another day; until then its length is not known.
      catalog.counters.unreadableSegments += 1
      return
    }
    do {
      if let contents = try scanner.contents(of: file, id: id) {
        add(contents, file, isNewest: isNewest)
        return
      }
      // Nothing can ever be read from it.
      drop(id, fileBytes: fileBytes)
    } catch {
      // It counts, without records, until it is evicted.
      catalog.add(
        .init(header: SegmentHeader(id: id, nonce: 0), file: nil, byteCount: fileBytes)
      )
    }
    catalog.counters.unreadableSegments += 1
  }

  private func open(_ id: UInt64) throws(MeshError) -> (any SegmentFile)? {
    do {
      return try device.open(SegmentHeader.fileName(of: id))
    } catch {
      // Every segment is open all the time. Going on with some would lose the others.
      guard error.code == EMFILE || error.code == ENFILE else { return nil }
      throw MeshError(.unavailable, "too few files may be open for all segments: \(error)")
    }
  }

  private mutating func drop(_ id: UInt64, fileBytes: Int) {
    catalog.add(.init(header: SegmentHeader(id: id, nonce: 0), file: nil, byteCount: fileBytes))
    _ = catalog.dropRecords(in: id)
    if (try? device.remove(SegmentHeader.fileName(of: id))) != nil { catalog.remove(segment: id) }
  }

  private mutating func add(
    _ contents: SegmentScanner.Contents,
    _ file: any SegmentFile,
    isNewest: Bool
  ) {
    let id = contents.header.id
    catalog.add(.init(header: contents.header, file: file, byteCount: contents.fileBytes))
    for record in contents.records {
      nextGeneration = max(nextGeneration, record.generation + 1)
      // Longer than what this store's buffers hold, if the setting was lowered.
      guard record.payloadBytes <= settings.maximumPayloadBytes else { continue }
      if catalog.contains(record.key) {
        choose(record, in: id, from: file, nonce: contents.header.nonce)
      } else {
        catalog.publish(record, in: id)
      }
    }
    if isNewest { resume(contents, file) }
  }

  /// Decides between a record and the one of the same key that was found before it.
  ///
  /// A key is there twice if its record was written again, and the first copy's segment was not
  /// removed for certain: the newer generation counts, unless it was torn before it was durable.
  private mutating func choose(
    _ record: SegmentRecord,
    in id: UInt64,
    from file: any SegmentFile,
    nonce: UInt64
  ) {
    let other = catalog.location(of: record.key)?.record.generation ?? 0
    guard record.generation > other else { return }
    var buffer = PageBuffer(byteCount: record.recordBytes)
    let source = RecordSource(file: file, nonce: nonce)
    if (try? source.loadStored(record, into: &buffer)) != nil { catalog.publish(record, in: id) }
  }

  /// Goes on writing to the newest segment, so that many short lives do not make many segments.
  private mutating func resume(
    _ contents: SegmentScanner.Contents,
    _ file: any SegmentFile
  ) {
    let seal = SegmentSeal.byteCount(recordCount: contents.records.count)
    guard contents.ending != .sealed, contents.end + seal <= settings.segmentBytes else { return }
    if contents.end < contents.fileBytes {
      guard (try? file.truncate(to: contents.end)) != nil else { return }
      catalog.resize(contents.header.id, to: contents.end)
    }
    active = SegmentWriter.Active(
      header: contents.header,
      file: file,
      end: contents.end,
      records: contents.records
    )
  }
}
