import TieredStore

/// A policy as its paper tells it, over plain arrays: what the quick ones are compared with.
protocol NaivePolicy {
  init()
  mutating func insert(_ slot: Int, byteCount: Int, fingerprint: UInt64)
  mutating func hit(_ slot: Int)
  mutating func remove(_ slot: Int)
  mutating func pin(_ slot: Int)
  mutating func unpin(_ slot: Int)
  mutating func nextVictim() -> Int?
  mutating func evict(_ slot: Int)
}

/// Orders are oldest first everywhere.
struct NaiveLRU: NaivePolicy {
  var order: [Int] = []
  var pinned: Set<Int> = []
  var parked: Set<Int> = []
  var usedWhileParked: Set<Int> = []

  mutating func insert(_ slot: Int, byteCount: Int, fingerprint: UInt64) { order.append(slot) }

  mutating func hit(_ slot: Int) {
    if parked.contains(slot) {
      usedWhileParked.insert(slot)
    } else {
      order.removeAll { $0 == slot }
      order.append(slot)
    }
  }

  mutating func remove(_ slot: Int) {
    order.removeAll { $0 == slot }
    pinned.remove(slot)
    parked.remove(slot)
    usedWhileParked.remove(slot)
  }

  mutating func pin(_ slot: Int) { pinned.insert(slot) }

  mutating func unpin(_ slot: Int) {
    pinned.remove(slot)
    guard parked.remove(slot) != nil else { return }
    if usedWhileParked.remove(slot) != nil { order.append(slot) } else { order.insert(slot, at: 0) }
  }

  mutating func nextVictim() -> Int? {
    guard let victim = order.firstIndex(where: { !pinned.contains($0) }) else { return nil }
    parked.formUnion(order[..<victim])
    order.removeFirst(victim)
    return order[0]
  }

  mutating func evict(_ slot: Int) { remove(slot) }
}

struct NaiveSIEVE: NaivePolicy {
  var order: [Int] = []
  /// The slot to look at next; nil is the oldest.
  var hand: Int?
  var visited: Set<Int> = []
  var pinned: Set<Int> = []
  var parked: Set<Int> = []

  mutating func insert(_ slot: Int, byteCount: Int, fingerprint: UInt64) { order.append(slot) }

  mutating func hit(_ slot: Int) { visited.insert(slot) }

  private func newer(than slot: Int) -> Int? {
    let next = order.firstIndex(of: slot).map { $0 + 1 }
    return next.flatMap { $0 < order.count ? order[$0] : nil }
  }

  private mutating func take(_ slot: Int) {
    if hand == slot { hand = newer(than: slot) }
    order.removeAll { $0 == slot }
  }

  mutating func remove(_ slot: Int) {
    take(slot)
    visited.remove(slot)
    pinned.remove(slot)
    parked.remove(slot)
  }

  mutating func pin(_ slot: Int) { pinned.insert(slot) }

  mutating func unpin(_ slot: Int) {
    pinned.remove(slot)
    if parked.remove(slot) != nil { order.insert(slot, at: 0) }
  }

  mutating func nextVictim() -> Int? {
    guard order.contains(where: { !pinned.contains($0) }) else { return nil }
    while true {
      let slot = hand ?? order[0]
      if pinned.contains(slot) {
        hand = slot
        take(slot)
        parked.insert(slot)
      } else if visited.remove(slot) != nil {
        hand = newer(than: slot)
      } else {
        hand = slot
        return slot
      }
    }
  }

  mutating func evict(_ slot: Int) { remove(slot) }
}

struct NaiveS3FIFO: NaivePolicy {
  var small: [Int] = []
  var main: [Int] = []
  var ghosts: [(fingerprint: UInt64, byteCount: Int)] = []
  var uses: [Int: Int] = [:]
  var sizes: [Int: Int] = [:]
  var fingerprints: [Int: UInt64] = [:]
  var pinned: Set<Int> = []
  /// Which queue each came from.
  var parkedFromMain: [Int: Bool] = [:]

  mutating func insert(_ slot: Int, byteCount: Int, fingerprint: UInt64) {
    sizes[slot] = byteCount
    fingerprints[slot] = fingerprint
    uses[slot] = 0
    if ghosts.contains(where: { $0.fingerprint == fingerprint }) {
      ghosts.removeAll { $0.fingerprint == fingerprint }
      main.append(slot)
    } else {
      small.append(slot)
    }
  }

  mutating func hit(_ slot: Int) { uses[slot] = min(3, uses[slot, default: 0] + 1) }

  mutating func remove(_ slot: Int) {
    small.removeAll { $0 == slot }
    main.removeAll { $0 == slot }
    uses[slot] = nil
    sizes[slot] = nil
    fingerprints[slot] = nil
    pinned.remove(slot)
    parkedFromMain[slot] = nil
  }

  mutating func pin(_ slot: Int) { pinned.insert(slot) }

  mutating func unpin(_ slot: Int) {
    pinned.remove(slot)
    switch parkedFromMain.removeValue(forKey: slot) {
    case true?: main.insert(slot, at: 0)
    case false?: small.insert(slot, at: 0)
    case nil: break
    }
  }

  private var totalBytes: Int { sizes.values.reduce(0, +) }
  private var smallBytes: Int { small.reduce(0) { $0 + sizes[$1, default: 0] } }

  mutating func nextVictim() -> Int? {
    guard (small + main).contains(where: { !pinned.contains($0) }) else { return nil }
    while true {
      let takesSmall = !small.isEmpty && (main.isEmpty || smallBytes >= totalBytes / 10)
      let slot = takesSmall ? small[0] : main[0]
      if pinned.contains(slot) {
        parkedFromMain[slot] = !takesSmall
        if takesSmall { small.removeFirst() } else { main.removeFirst() }
      } else if takesSmall {
        guard uses[slot, default: 0] > 1 else { return slot }
        uses[slot] = 0
        main.append(small.removeFirst())
      } else {
        guard uses[slot, default: 0] > 0 else { return slot }
        uses[slot, default: 0] -= 1
        main.append(main.removeFirst())
      }
    }
  }

  mutating func evict(_ slot: Int) {
    let limit = totalBytes * 9 / 10
    if small.contains(slot), let fingerprint = fingerprints[slot] {
      ghosts.removeAll { $0.fingerprint == fingerprint }
      ghosts.append((fingerprint, sizes[slot, default: 0]))
      while ghosts.reduce(0, { $0 + $1.byteCount }) > limit { ghosts.removeFirst() }
    }
    remove(slot)
  }
}
