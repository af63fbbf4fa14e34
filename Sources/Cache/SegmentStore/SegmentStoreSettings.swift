import MeshTypes

/// What a store is allowed to use and how it goes about it.
package struct SegmentStoreSettings: Hashable, Sendable {
  /// Which blocks are written.
  package enum Admission: String, Hashable, Sendable, CaseIterable {
    /// Every block, the first time that it is offered.
    case writeThrough = "write-through"
    /// A block that is offered a second time while the first is still remembered: blocks used once
    /// wear no flash and displace nothing.
    case secondHit = "second-hit"
  }

  /// The largest segment that can be set: positions in it fit 32 bits with room to spare.
  package static let maximumSegmentBytes = 1 << 30

  /// Bytes that all segment files together may have, at any time.
  package var capacityBytes: Int
  /// Bytes that one segment file may have, its seal included; whole pages, usually 64 to 256 MiB.
  package var segmentBytes: Int
  /// The longest payload that is taken.
  package var maximumPayloadBytes: Int
  /// Which blocks are written.
  package var admission: Admission
  /// Keys that ``Admission/secondHit`` remembers.
  package var rememberedKeys: Int
  /// Bytes of hit records that the eviction of a segment may write again. As much room, and a
  /// little more, is kept free for it.
  package var reinsertionBytes: Int
  /// Bytes written after which they are made durable; 0 leaves that to full segments and to
  /// ``SegmentStore/sync()``.
  package var syncIntervalBytes: Int
  /// How payloads are written from now on.
  package var compression: Compression

  /// Creates settings.
  ///
  /// - Parameters:
  ///   - capacityBytes: Bytes that all segment files together may have.
  ///   - segmentBytes: Bytes that one segment file may have.
  ///   - maximumPayloadBytes: The longest payload that is taken.
  ///   - admission: Which blocks are written.
  ///   - rememberedKeys: Keys that ``Admission/secondHit`` remembers.
  ///   - reinsertionBytes: Bytes of hit records that an eviction may write again; a quarter of a
  ///     segment if nil.
  ///   - syncIntervalBytes: Bytes written after which they are made durable.
  ///   - compression: How payloads are written.
  package init(
    capacityBytes: Int,
    segmentBytes: Int = 128 << 20,
    maximumPayloadBytes: Int = 4 << 20,
    admission: Admission = .secondHit,
    rememberedKeys: Int = 1 << 16,
    reinsertionBytes: Int? = nil,
    syncIntervalBytes: Int = 16 << 20,
    compression: Compression = .none
  ) {
    self.capacityBytes = capacityBytes
    self.segmentBytes = segmentBytes
    self.maximumPayloadBytes = maximumPayloadBytes
    self.admission = admission
    self.rememberedKeys = rememberedKeys
    self.reinsertionBytes = reinsertionBytes ?? segmentBytes / 4
    self.syncIntervalBytes = syncIntervalBytes
    self.compression = compression
  }

  /// Bytes of the smallest segment that holds a payload of `maximumPayloadBytes`.
  var smallestSegmentBytes: Int {
    SegmentHeader.byteCount + RecordHeader.recordBytes(payloadBytes: maximumPayloadBytes)
      + SegmentSeal.byteCount(recordCount: 1)
  }

  /// Bytes that inserts leave free, so that an eviction can write ``reinsertionBytes`` again, into a
  /// new segment if need be, before the evicted file is gone.
  var headroomBytes: Int {
    guard reinsertionBytes > 0 else { return 0 }
    let mostRecords = reinsertionBytes / (2 * PageBuffer.pageBytes) + 1
    return SegmentHeader.byteCount + reinsertionBytes
      + SegmentSeal.byteCount(recordCount: mostRecords)
  }

  /// Checks every setting.
  ///
  /// - Throws: `invalidArgument`, naming the setting and what is allowed.
  func validate() throws(MeshError) {
    func check(_ field: String, _ value: Int, in range: ClosedRange<Int>) throws(MeshError) {
      guard range.contains(value) else {
        throw MeshError.invalid(field, "must be in \(range), got \(value)")
      }
    }
    let page = PageBuffer.pageBytes
    try check("maximumPayloadBytes", maximumPayloadBytes, in: 1...Self.maximumSegmentBytes / 2)
    try check("segmentBytes", segmentBytes, in: smallestSegmentBytes...Self.maximumSegmentBytes)
    guard segmentBytes % page == 0 else {
      throw MeshError.invalid(
        "segmentBytes",
        "must be a multiple of \(page), got \(segmentBytes)"
      )
    }
    try check("reinsertionBytes", reinsertionBytes, in: 0...segmentBytes / 2)
    // One segment to write, one to evict, and what the eviction writes again.
    try check("capacityBytes", capacityBytes, in: 3 * segmentBytes...1 << 60)
    try check("rememberedKeys", rememberedKeys, in: 1...1 << 24)
    try check("syncIntervalBytes", syncIntervalBytes, in: 0...1 << 40)
    if let level = compression.level { try check("compression", level, in: Compression.levels) }
  }
}
