import MeshTypes

/// What all policies keep about their slots besides the order.
struct SlotTable: Sendable {
  enum Place: UInt8, Sendable {
    /// Not inserted.
    case absent
    /// In one of the policy's queues.
    case queued
    /// Pinned, and outside of the order since it would have been the victim.
    case parked
  }

  struct Record: Sendable {
    var byteCount = 0
    var fingerprint: UInt64 = 0
    var place = Place.absent
    var isPinned = false
    /// Uses, as the policy counts them.
    var uses: UInt8 = 0
    /// The policy's own: which queue it belongs to.
    var isMain = false
  }

  private(set) var records: [Record] = []
  private(set) var count = 0
  private(set) var totalBytes = 0
  private(set) var evictableCount = 0

  subscript(slot: Int) -> Record {
    _read { yield records[slot] }
    _modify { yield &records[slot] }
  }

  /// The number of slots that have records.
  var slotCount: Int { records.count }

  func contains(_ slot: Int) -> Bool {
    slot >= 0 && slot < records.count && records[slot].place != .absent
  }

  mutating func insert(_ slot: Int, byteCount: Int, fingerprint: UInt64) {
    precondition(slot >= 0 && slot < Int32.max, "slots are small")
    precondition(byteCount > 0, "an entry has bytes")
    while records.count <= slot { records.append(Record()) }
    precondition(records[slot].place == .absent, "the slot is inserted already")
    records[slot] = Record(byteCount: byteCount, fingerprint: fingerprint, place: .queued)
    count += 1
    totalBytes += byteCount
    evictableCount += 1
  }

  mutating func remove(_ slot: Int) {
    precondition(contains(slot), "the slot is not inserted")
    count -= 1
    totalBytes -= records[slot].byteCount
    if !records[slot].isPinned { evictableCount -= 1 }
    records[slot] = Record()
  }

  mutating func pin(_ slot: Int) {
    precondition(contains(slot) && !records[slot].isPinned, "only an unpinned slot is pinned")
    records[slot].isPinned = true
    evictableCount -= 1
  }

  /// - Returns: Whether it is parked, and has to be queued again.
  mutating func unpin(_ slot: Int) -> Bool {
    precondition(contains(slot) && records[slot].isPinned, "only a pinned slot is unpinned")
    records[slot].isPinned = false
    evictableCount += 1
    guard records[slot].place == .parked else { return false }
    records[slot].place = .queued
    return true
  }

  /// - Throws: ``MeshError`` `internalError` when sums are wrong, or `queued` is not exactly what
  ///   the policy has in its queues.
  func checkInvariants(queued: [Int]) throws(MeshError) {
    let present = records.filter { $0.place != .absent }
    guard present.count == count, present.reduce(0, { $0 + $1.byteCount }) == totalBytes,
      present.count(where: { !$0.isPinned }) == evictableCount
    else { throw MeshError(.internalError, "slot counts or sizes do not add up") }
    guard records.allSatisfy({ $0.place != .parked || $0.isPinned }) else {
      throw MeshError(.internalError, "an unpinned slot is parked")
    }
    guard Set(queued).count == queued.count, queued.allSatisfy({ self[$0].place == .queued }),
      present.count(where: { $0.place == .queued }) == queued.count
    else { throw MeshError(.internalError, "the queues do not hold exactly the queued slots") }
  }
}
