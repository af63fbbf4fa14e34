/// Making room.
extension MemoryTier {
  /// Evicts blocks of the namespace until `byteCount` more are within its quota.
  ///
  /// - Returns: false when too many of its blocks are pinned, held or being written.
  mutating func fitQuota(
    of namespace: NamespaceID,
    addingBytes byteCount: Int,
    evictions: inout [Eviction]
  ) -> Bool {
    let number = Int(namespace.rawValue)
    let preferred = SizeClass(byteCount: byteCount)
    while namespaces[namespace].usedBytes > namespaces[namespace].quotaBytes - byteCount {
      let candidates = groups.evictable(in: number)
      // A block of the same class leaves room of the right size.
      let group = candidates.first { groups.sizeClass(of: $0) == preferred } ?? candidates.first
      guard let group, let victim = groups.nextVictim(of: group) else { return false }
      evictions.append(evict(victim, .quota))
    }
    return true
  }

  /// Takes a place in a slab for a new entry, which is reserved and held by its writer.
  ///
  /// - Returns: nil when nothing can go.
  mutating func allocate(
    _ byteCount: Int,
    for namespace: NamespaceID,
    evictions: inout [Eviction]
  ) -> Int? {
    let sizeClass = SizeClass(byteCount: byteCount)
    let isNew = vacantEntries.isEmpty
    let entry = vacantEntries.last.map(Int.init) ?? entries.count
    while true {
      if let address = slabs.allocate(sizeClass, for: entry, at: tick) {
        if isNew { entries.append(Entry()) } else { unvacate(entry) }
        entries[entry].state = .reserved
        entries[entry].address = address
        entries[entry].byteCount = byteCount
        entries[entry].holdCount = 1
        slabs.hold(address.slab)
        return entry
      }
      guard makeRoom(for: sizeClass, asker: namespace, evictions: &evictions) else { return nil }
    }
  }

  /// Evictions while allocating put records on the stack of vacant ones, over the one chosen.
  private mutating func unvacate(_ entry: Int) {
    guard let position = vacantEntries.lastIndex(of: Int32(entry)) else {
      preconditionFailure("the record is vacant")
    }
    vacantEntries.swapAt(position, vacantEntries.count - 1)
    vacantEntries.removeLast()
  }

  /// Evicts one block of the class, or empties a slab of another class when all of its blocks have
  /// been unused for longer than that one.
  private mutating func makeRoom(
    for sizeClass: SizeClass,
    asker: NamespaceID,
    evictions: inout [Eviction]
  ) -> Bool {
    if let group = greediestGroup(of: groups.evictable(in: sizeClass), asker: asker),
      let victim = groups.nextVictim(of: group)
    {
      let lastUse = entries[victim].lastUse
      if let slab = slabs.coldestSlab(for: sizeClass, usedBefore: lastUse) {
        empty(slab, evictions: &evictions)
      } else {
        evictions.append(evict(victim, .capacity))
      }
      return true
    }
    guard let slab = slabs.anySlab(for: sizeClass) else { return false }
    empty(slab, evictions: &evictions)
    return true
  }

  /// Of some groups the one whose namespace uses the largest share of its quota.
  ///
  /// - Parameter asker: The namespace that gives way among equals.
  func greediestGroup(of candidates: [Int], asker: NamespaceID? = nil) -> Int? {
    guard candidates.count > 1 else { return candidates.first }
    // Later numbers come first among equals that do not ask, so that the choice is the same in
    // every run.
    func rank(_ group: Int) -> (Double, Int, Int) {
      let number = NamespaceID(rawValue: UInt32(groups.namespace(of: group)))
      let namespace = namespaces[number]
      let quotaBytes = min(namespace.quotaBytes, configuration.capacityBytes)
      let share = Double(namespace.usedBytes) / Double(max(quotaBytes, 1))
      return (share, number == asker ? 1 : 0, group)
    }
    return candidates.max { rank($0) < rank($1) }
  }

  private mutating func empty(_ slab: Int, evictions: inout [Eviction]) {
    for occupant in slabs.slabs[slab].occupants where occupant >= 0 {
      evictions.append(withdraw(Int(occupant), .slab))
    }
  }

  /// Takes an unprotected block away, and lets the policy remember it.
  private mutating func evict(_ entry: Int, _ reason: Eviction.Reason) -> Eviction {
    let eviction = unlist(entry, reason)
    groups.evict(entries[entry].membership)
    free(entry)
    return eviction
  }

  /// Takes any published block away; its room becomes free when its last hold ends.
  mutating func withdraw(_ entry: Int, _ reason: Eviction.Reason) -> Eviction {
    let eviction = unlist(entry, reason)
    groups.remove(entries[entry].membership)
    entries[entry].state = .leaving
    if entries[entry].pinCount > 0 {
      entries[entry].pinCount = 0
      namespaces[eviction.namespace].pinnedBytes -= entries[entry].byteCount
      unprotectIfLast(entry)
    } else if entries[entry].holdCount == 0 {
      free(entry)
    }
    return eviction
  }

  /// Takes a published block out of the index.
  private mutating func unlist(_ entry: Int, _ reason: Eviction.Reason) -> Eviction {
    guard let stored = entries[entry].stored, entries[entry].state == .published else {
      preconditionFailure("only a published block is taken away")
    }
    index[stored] = nil
    namespaces[stored.namespace].blockCount -= 1
    counters.evictionCounts[reason, default: 0] += 1
    return evictionLog.append(stored, byteCount: entries[entry].byteCount, reason: reason)
  }

  /// Gives an entry's room and record back.
  mutating func free(_ entry: Int) {
    if let stored = entries[entry].stored {
      namespaces[stored.namespace].usedBytes -= entries[entry].byteCount
      counters.usedBytes -= entries[entry].byteCount
    }
    slabs.free(entries[entry].address)
    entries[entry] = Entry(generation: entries[entry].generation &+ 1)
    vacantEntries.append(Int32(entry))
  }
}
