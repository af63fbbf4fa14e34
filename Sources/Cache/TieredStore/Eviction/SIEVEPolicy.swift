package import MeshTypes

/// SIEVE (Zhang et al., NSDI 2024): a queue in order of arrival, one bit per slot that a use sets,
/// and a hand that walks from the oldest to the newest, clears bits and takes the first slot
/// without one. What stays is not moved, so the hand sifts old slots from new ones.
package struct SIEVEPolicy: EvictionPolicy {
  private var table = SlotTable()
  private var links = SlotLinks()
  /// Front: the latest arrived.
  private var queue = SlotQueue()
  /// The slot to look at next; -1 is the oldest.
  private var hand = -1

  package init() {}

  package var count: Int { table.count }
  package var totalBytes: Int { table.totalBytes }
  package var evictableCount: Int { table.evictableCount }

  package mutating func insert(_ slot: Int, byteCount: Int, fingerprint: UInt64) {
    table.insert(slot, byteCount: byteCount, fingerprint: fingerprint)
    links.grow(to: table.slotCount)
    links.pushFront(slot, onto: &queue)
  }

  package mutating func hit(_ slot: Int) {
    precondition(table.contains(slot), "the slot is not inserted")
    table[slot].uses = 1
  }

  package mutating func remove(_ slot: Int) {
    if table.contains(slot), table[slot].place == .queued { unlink(slot) }
    table.remove(slot)
  }

  package mutating func pin(_ slot: Int) { table.pin(slot) }

  package mutating func unpin(_ slot: Int) {
    if table.unpin(slot) { links.pushBack(slot, onto: &queue) }
  }

  package mutating func nextVictim() -> Int? {
    guard evictableCount > 0 else { return nil }
    while true {
      if hand < 0 { hand = queue.back }
      let slot = hand
      if table[slot].isPinned {
        unlink(slot)
        table[slot].place = .parked
      } else if table[slot].uses > 0 {
        table[slot].uses = 0
        hand = links.newer(than: slot)
      } else {
        return slot
      }
    }
  }

  package mutating func evict(_ slot: Int) {
    precondition(!table[slot].isPinned, "a pinned slot is never evicted")
    remove(slot)
  }

  private mutating func unlink(_ slot: Int) {
    if hand == slot { hand = links.newer(than: slot) }
    links.unlink(slot, from: &queue)
  }

  package func checkInvariants() throws(MeshError) {
    guard let queued = links.slots(of: queue) else {
      throw MeshError(.internalError, "the links are broken")
    }
    guard hand < 0 || queued.contains(hand) else {
      throw MeshError(.internalError, "the hand points at slot \(hand), which is not queued")
    }
    try table.checkInvariants(queued: queued)
  }
}
