package import MeshTypes

/// The least recently used goes first. What the others are compared with.
package struct LRUPolicy: EvictionPolicy {
  private var table = SlotTable()
  private var links = SlotLinks()
  /// Front: the latest used.
  private var queue = SlotQueue()

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
    if table[slot].place == .parked {
      table[slot].uses = 1
    } else {
      links.unlink(slot, from: &queue)
      links.pushFront(slot, onto: &queue)
    }
  }

  package mutating func remove(_ slot: Int) {
    if table.contains(slot), table[slot].place == .queued { links.unlink(slot, from: &queue) }
    table.remove(slot)
  }

  package mutating func pin(_ slot: Int) { table.pin(slot) }

  package mutating func unpin(_ slot: Int) {
    guard table.unpin(slot) else { return }
    if table[slot].uses > 0 {
      table[slot].uses = 0
      links.pushFront(slot, onto: &queue)
    } else {
      links.pushBack(slot, onto: &queue)
    }
  }

  package mutating func nextVictim() -> Int? {
    guard evictableCount > 0 else { return nil }
    while table[queue.back].isPinned {
      let slot = queue.back
      links.unlink(slot, from: &queue)
      table[slot].place = .parked
    }
    return queue.back
  }

  package mutating func evict(_ slot: Int) {
    precondition(!table[slot].isPinned, "a pinned slot is never evicted")
    remove(slot)
  }

  package func checkInvariants() throws(MeshError) {
    guard let queued = links.slots(of: queue) else {
      throw MeshError(.internalError, "the links are broken")
    }
    try table.checkInvariants(queued: queued)
  }
}
