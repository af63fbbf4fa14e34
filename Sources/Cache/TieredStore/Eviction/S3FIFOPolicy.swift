package import MeshTypes

/// S3-FIFO (Yang et al., SOSP 2023): three queues in order of arrival. New slots go to a *small*
/// queue that gets a tenth of the bytes; those used more than once there move to the *main* queue,
/// the others go and leave a *ghost*. Who comes back while its ghost is remembered goes to the main
/// queue at once. The main queue gives a slot one more round for every use since the last, up to 3.
///
/// Shares are of the bytes held, which are the capacity whenever something must go. Ghosts are
/// remembered for as many bytes as the main queue's share.
package struct S3FIFOPolicy: EvictionPolicy {
  private static let mostUses: UInt8 = 3

  private var table = SlotTable()
  private var links = SlotLinks()
  private var small = SlotQueue()
  private var main = SlotQueue()
  private var smallBytes = 0
  private var ghosts = GhostQueue()
  private let usesToStay: UInt8

  /// Creates a policy with the paper's settings.
  package init() { self.init(usesToStay: 2) }

  /// Creates a policy.
  ///
  /// - Parameter usesToStay: How many uses in the small queue move a slot to the main queue; in
  ///   1...3, and 2 in the paper.
  package init(usesToStay: UInt8) {
    precondition((1...Self.mostUses).contains(usesToStay), "uses are counted to 3")
    self.usesToStay = usesToStay
  }

  package var count: Int { table.count }
  package var totalBytes: Int { table.totalBytes }
  package var evictableCount: Int { table.evictableCount }

  /// The number of entries remembered after they went.
  package var ghostCount: Int { ghosts.count }

  package mutating func insert(_ slot: Int, byteCount: Int, fingerprint: UInt64) {
    table.insert(slot, byteCount: byteCount, fingerprint: fingerprint)
    links.grow(to: table.slotCount)
    table[slot].isMain = ghosts.take(fingerprint)
    pushFront(slot)
  }

  package mutating func hit(_ slot: Int) {
    precondition(table.contains(slot), "the slot is not inserted")
    table[slot].uses = min(table[slot].uses + 1, Self.mostUses)
  }

  package mutating func remove(_ slot: Int) {
    if table.contains(slot), table[slot].place == .queued { unlink(slot) }
    table.remove(slot)
  }

  package mutating func pin(_ slot: Int) { table.pin(slot) }

  package mutating func unpin(_ slot: Int) {
    guard table.unpin(slot) else { return }
    if table[slot].isMain {
      links.pushBack(slot, onto: &main)
    } else {
      links.pushBack(slot, onto: &small)
      smallBytes += table[slot].byteCount
    }
  }

  package mutating func nextVictim() -> Int? {
    guard evictableCount > 0 else { return nil }
    while true {
      let isSmallsTurn = main.count == 0 || smallBytes >= totalBytes / 10
      let slot = isSmallsTurn && small.count > 0 ? small.back : main.back
      if table[slot].isPinned {
        unlink(slot)
        table[slot].place = .parked
      } else if table[slot].isMain {
        guard table[slot].uses > 0 else { return slot }
        unlink(slot)
        table[slot].uses -= 1
        pushFront(slot)
      } else {
        guard table[slot].uses >= usesToStay else { return slot }
        unlink(slot)
        table[slot].uses = 0
        table[slot].isMain = true
        pushFront(slot)
      }
    }
  }

  package mutating func evict(_ slot: Int) {
    precondition(!table[slot].isPinned, "a pinned slot is never evicted")
    let record = table[slot]
    remove(slot)
    guard !record.isMain else { return }
    ghosts.remember(
      record.fingerprint,
      byteCount: record.byteCount,
      limitBytes: (totalBytes + record.byteCount) * 9 / 10
    )
  }

  private mutating func pushFront(_ slot: Int) {
    if table[slot].isMain {
      links.pushFront(slot, onto: &main)
    } else {
      links.pushFront(slot, onto: &small)
      smallBytes += table[slot].byteCount
    }
  }

  private mutating func unlink(_ slot: Int) {
    if table[slot].isMain {
      links.unlink(slot, from: &main)
    } else {
      links.unlink(slot, from: &small)
      smallBytes -= table[slot].byteCount
    }
  }

  package func checkInvariants() throws(MeshError) {
    guard let inSmall = links.slots(of: small), let inMain = links.slots(of: main) else {
      throw MeshError(.internalError, "the links are broken")
    }
    guard inSmall.allSatisfy({ !table[$0].isMain }), inMain.allSatisfy({ table[$0].isMain }),
      inSmall.reduce(0, { $0 + table[$1].byteCount }) == smallBytes
    else { throw MeshError(.internalError, "a slot is in the wrong queue") }
    guard ghosts.isConsistent else {
      throw MeshError(.internalError, "the ghosts do not add up")
    }
    try table.checkInvariants(queued: inSmall + inMain)
  }
}
