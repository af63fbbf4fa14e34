/// A doubly linked list of slots; its links lie in ``SlotLinks``, so that many lists share them.
struct SlotQueue: Sendable, Equatable {
  /// The newest slot, or -1.
  var front = -1
  /// The oldest slot, or -1.
  var back = -1
  var count = 0
}

/// The links of all lists that a slot can be in, one at a time.
struct SlotLinks: Sendable {
  private struct Link: Sendable {
    /// Towards the front; -1 at the front.
    var newer: Int32 = -1
    /// Towards the back; -1 at the back.
    var older: Int32 = -1
  }

  private var links: [Link] = []

  /// Makes room for slots below `slotCount`.
  mutating func grow(to slotCount: Int) {
    while links.count < slotCount { links.append(Link()) }
  }

  func newer(than slot: Int) -> Int { Int(links[slot].newer) }
  func older(than slot: Int) -> Int { Int(links[slot].older) }

  mutating func pushFront(_ slot: Int, onto queue: inout SlotQueue) {
    links[slot] = Link(newer: -1, older: Int32(queue.front))
    if queue.front >= 0 { links[queue.front].newer = Int32(slot) } else { queue.back = slot }
    queue.front = slot
    queue.count += 1
  }

  mutating func pushBack(_ slot: Int, onto queue: inout SlotQueue) {
    links[slot] = Link(newer: Int32(queue.back), older: -1)
    if queue.back >= 0 { links[queue.back].older = Int32(slot) } else { queue.front = slot }
    queue.back = slot
    queue.count += 1
  }

  mutating func unlink(_ slot: Int, from queue: inout SlotQueue) {
    let link = links[slot]
    if link.newer >= 0 {
      links[Int(link.newer)].older = link.older
    } else {
      queue.front = Int(link.older)
    }
    if link.older >= 0 {
      links[Int(link.older)].newer = link.newer
    } else {
      queue.back = Int(link.newer)
    }
    links[slot] = Link()
    queue.count -= 1
  }

  /// The slots from the back to the front, read along both directions.
  ///
  /// - Returns: nil when the links of the two directions or the count disagree.
  func slots(of queue: SlotQueue) -> [Int]? {
    var slots: [Int] = []
    var slot = queue.back
    var older = -1
    while slot >= 0, slots.count < queue.count {
      guard links[slot].older == Int32(older) else { return nil }
      slots.append(slot)
      older = slot
      slot = newer(than: slot)
    }
    return slot < 0 && slots.count == queue.count && queue.front == older ? slots : nil
  }
}
