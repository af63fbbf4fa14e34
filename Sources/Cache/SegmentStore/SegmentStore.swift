package import BlockCache
import Checksum
package import MeshTypes
import Synchronization

/// Blocks on disk by content key: the SSD tier of the KV store.
///
/// Segment files are appended to and removed whole, the oldest first. What is in them is described
/// by docs/formats/segment.md; where each key is, by an index in memory that is rebuilt from the
/// files when the store opens. Every read checks key, header and payload: what is damaged is a miss.
///
/// Calls block for as long as the device does: make them from threads of their own. Any number of
/// threads may read at once; inserts take turns.
package final class SegmentStore: Sendable {
  /// What became of an insert.
  package enum InsertOutcome: Hashable, Sendable {
    /// The payload was written and can be read.
    case stored
    /// The key was there already, with the same payload.
    case present
    /// The key was there already, with another payload, which stays.
    case conflict
    /// The admission wants to see the key once more.
    case notAdmitted
    /// The device, or the capacity, has no room now.
    case full
    /// The device failed.
    case failed(DeviceError)

    var isRefusal: Bool {
      switch self {
      case .full, .failed: true
      case .stored, .present, .conflict, .notAdmitted: false
      }
    }
  }

  package let settings: SegmentStoreSettings
  let device: any SegmentDevice
  let catalog: Mutex<SegmentCatalog>
  let writer: Mutex<SegmentWriter>
  let evicted: @Sendable ([BlockKey]) -> Void
  private let ghosts: Mutex<GhostFilter>

  /// Opens a store on what `device` holds.
  ///
  /// - Parameters:
  ///   - settings: What it may use. They may differ from those that the segments were written with.
  ///   - device: Where the segments are; used by no other store.
  ///   - randomNumbers: Where the segments' nonces come from; who chooses payloads must not be able
  ///     to foresee them.
  ///   - progress: Called after each segment that was indexed.
  ///   - evicted: Called by inserts with the keys that went with an evicted segment, from the
  ///     thread that inserts. It must not insert or sync.
  /// - Throws: `invalidArgument` for settings out of range; `unavailable` if the device cannot list
  ///   its files, or the process may not open as many as there are.
  package init(
    settings: SegmentStoreSettings,
    device: any SegmentDevice,
    randomNumbers: any RandomNumberGenerator & Sendable = SystemRandomNumberGenerator(),
    progress: (RecoveryProgress) -> Void = { _ in },
    evicted: @escaping @Sendable ([BlockKey]) -> Void = { _ in }
  ) throws(MeshError) {
    try settings.validate()
    let recovered = try Recovery.run(on: device, settings: settings, progress: progress)
    self.settings = settings
    self.device = device
    self.evicted = evicted
    catalog = Mutex(recovered.catalog)
    writer = Mutex(
      SegmentWriter(
        settings: settings,
        nextSegmentID: recovered.nextSegmentID,
        nextGeneration: recovered.nextGeneration,
        active: recovered.active,
        randomNumbers: randomNumbers
      )
    )
    ghosts = Mutex(GhostFilter(capacity: settings.rememberedKeys))
    writer.withLock { evictDown(to: settings.capacityBytes, &$0) }
  }

  /// What the store holds and has done since it was opened.
  package var statistics: SegmentStoreStatistics { catalog.withLock { $0.statistics } }

  /// Memory that holds any record of this store, for ``read(_:into:)``.
  package func makeBuffer() -> PageBuffer {
    PageBuffer(byteCount: RecordHeader.recordBytes(payloadBytes: settings.maximumPayloadBytes))
  }

  /// Whether `key` can probably be read: its bytes are checked only when it is.
  package func contains(_ key: BlockKey) -> Bool { catalog.withLock { $0.contains(key) } }

  /// How many of `keys`, from the first on, the store has without a gap.
  package func prefixLength(of keys: [BlockKey]) -> Int {
    catalog.withLock { catalog in keys.prefix { catalog.contains($0) }.count }
  }

  /// The length of the payload of `key`; nil if it is not there.
  package func payloadBytes(of key: BlockKey) -> Int? {
    catalog.withLock { $0.location(of: key)?.record.payloadBytes }
  }

  /// Counts a use of `key` elsewhere, such as in the tier above, so that its segment's eviction
  /// keeps it.
  package func touch(_ key: BlockKey) {
    catalog.withLock { $0.countHit(of: key) }
  }

  /// Forgets `key`, until the store is opened again: its record stays in the segment.
  ///
  /// - Returns: Whether it was there.
  @discardableResult
  package func remove(_ key: BlockKey) -> Bool { catalog.withLock { $0.remove(key) } }

  /// Makes everything durable that was stored since the store was opened.
  ///
  /// - Throws: `unavailable` if that failed, now or since the last call: what was stored can be
  ///   read, but may not survive a loss of power.
  package func sync() throws(MeshError) {
    let failure = writer.withLock { writer in
      syncActive(&writer)
      defer { writer.syncFailure = nil }
      return writer.syncFailure
    }
    if let failure { throw MeshError(.unavailable, "cannot make segments durable: \(failure)") }
  }

  /// Writes a payload under a key, if the key is new and admitted.
  ///
  /// - Parameters:
  ///   - key: The payload's content key.
  ///   - payload: 1 to `maximumPayloadBytes` bytes.
  /// - Throws: `invalidArgument` for a payload of another length.
  package func insert(_ key: BlockKey, _ payload: RawSpan) throws(MeshError) -> InsertOutcome {
    guard (1...settings.maximumPayloadBytes).contains(payload.byteCount) else {
      throw MeshError.invalid(
        "payload",
        "must have 1...\(settings.maximumPayloadBytes) bytes, got \(payload.byteCount)"
      )
    }
    let checksum = CRC32C.checksum(payload)
    let outcome =
      existing(key, payload.byteCount, checksum)
      ?? (admits(key) ? nil : .notAdmitted)
      ?? write(key, payload, checksum)
    catalog.withLock { $0.counters.count(outcome) }
    // A block that was admitted and found no room need not be offered twice again.
    if outcome.isRefusal, settings.admission == .secondHit { _ = admits(key) }
    return outcome
  }

  private func write(_ key: BlockKey, _ payload: RawSpan, _ checksum: UInt32) -> InsertOutcome {
    let compressed = CompressedPayload(payload, settings.compression)
    return writer.withLock { append(key, payload, checksum, compressed, &$0) }
  }

  private func admits(_ key: BlockKey) -> Bool {
    settings.admission == .writeThrough || ghosts.withLock { $0.admit(key) }
  }

  /// The outcome of an insert if the key is there already.
  func existing(_ key: BlockKey, _ payloadBytes: Int, _ checksum: UInt32) -> InsertOutcome? {
    guard let record = catalog.withLock({ $0.location(of: key)?.record }) else { return nil }
    let isSame = record.payloadBytes == payloadBytes && record.payloadChecksum == checksum
    return isSame ? .present : .conflict
  }
}

extension SegmentStoreStatistics {
  fileprivate mutating func count(_ outcome: SegmentStore.InsertOutcome) {
    switch outcome {
    case .stored: stored += 1
    case .present: present += 1
    case .conflict: conflicts += 1
    case .notAdmitted: notAdmitted += 1
    case .full: refusedFull += 1
    case .failed: refusedFailed += 1
    }
  }
}
