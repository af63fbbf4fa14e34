package import MeshTypes

/// What a tier has and did.
package struct MemoryTierStatistics: Hashable, Sendable {
  package var capacityBytes: Int
  /// Payload bytes of all blocks, those being written or still being read included.
  package var usedBytes: Int
  /// Bytes of slabs that hold blocks: what ``usedBytes`` costs with rounding and unused places.
  package var slabBytes: Int
  /// Blocks that can be found.
  package var blockCount: Int
  /// Of these the ones that nothing protects now.
  package var evictableCount: Int
  package var leaseCount: Int
  package var counters: MemoryTier.Counters
  package var namespaces: [NamespaceStatistics]
}

extension MemoryTier {
  /// What happened since the start.
  package struct Counters: Hashable, Sendable {
    /// Payload bytes now.
    var usedBytes = 0
    /// Blocks published.
    package internal(set) var storedCount: UInt64 = 0
    /// Reservations refused because nothing could go.
    package internal(set) var exhaustedCount: UInt64 = 0
    /// Reservations refused because the block is larger than its namespace's quota.
    package internal(set) var overQuotaCount: UInt64 = 0
    /// Blocks found damaged.
    package internal(set) var corruptedCount: UInt64 = 0
    package internal(set) var expiredLeaseCount: UInt64 = 0
    package internal(set) var evictionCounts: [Eviction.Reason: UInt64] = [:]
  }

  /// Payload bytes of all blocks, those being written or still being read included.
  package var usedBytes: Int { counters.usedBytes }

  /// What the tier has and did.
  ///
  /// - Complexity: O(namespaces and groups).
  package var statistics: MemoryTierStatistics {
    MemoryTierStatistics(
      capacityBytes: configuration.capacityBytes,
      usedBytes: counters.usedBytes,
      slabBytes: configuration.capacityBytes - slabs.emptySlabCount * configuration.slabBytes,
      blockCount: index.count,
      evictableCount: groups.evictableCount,
      leaseCount: leases.count,
      counters: counters,
      namespaces: namespaces.all
    )
  }

  /// Checks that records, index, slabs, policies, leases and sums agree.
  ///
  /// - Throws: ``MeshError`` `internalError` naming what does not.
  /// - Complexity: O(blocks); for tests.
  package func checkInvariants() throws(MeshError) {
    try slabs.checkInvariants()
    try groups.checkInvariants()
    try checkEntries()
    try checkSums()
  }

  private func checkEntries() throws(MeshError) {
    var pins: [BlockHandle: Int32] = [:]
    for lease in leases.all { for block in lease.blocks { pins[block, default: 0] += 1 } }
    var held = Array(repeating: 0, count: slabs.slabs.count)
    for (number, entry) in entries.enumerated() where entry.state != .vacant {
      guard slabs.slabs[entry.address.slab].occupants[entry.address.place] == Int32(number) else {
        throw MeshError(.internalError, "entry \(number)'s place belongs to another")
      }
      if entry.isProtected { held[entry.address.slab] += 1 }
      let isListed = entry.stored.flatMap { index[$0] } == Int32(number)
      guard isListed == (entry.state == .published) else {
        throw MeshError(.internalError, "entry \(number) is listed \(isListed) as \(entry.state)")
      }
      switch entry.state {
      case .vacant: break
      case .reserved:
        guard entry.holdCount == 1, entry.pinCount == 0 else {
          throw MeshError(.internalError, "entry \(number) is reserved and not held once")
        }
      case .published:
        guard groups.entry(of: entry.membership) == number,
          entry.pinCount == pins[handle(of: number), default: 0]
        else { throw MeshError(.internalError, "entry \(number)'s pins or group are wrong") }
      case .leaving:
        guard entry.holdCount > 0, entry.pinCount == 0 else {
          throw MeshError(.internalError, "entry \(number) is leaving and not held")
        }
      }
    }
    guard held == slabs.slabs.map(\.heldCount) else {
      throw MeshError(.internalError, "the slabs' holds are wrong")
    }
  }

  private func checkSums() throws(MeshError) {
    let live = entries.filter { $0.state != .vacant }
    let published = live.filter { $0.state == .published }
    guard live.count + vacantEntries.count == entries.count,
      live.count == slabs.slabs.reduce(0, { $0 + $1.usedCount }),
      published.count == index.count, published.count == groups.count,
      published.reduce(0, { $0 + $1.byteCount }) == groups.totalBytes,
      published.count(where: { !$0.isProtected }) == groups.evictableCount,
      live.reduce(0, { $0 + $1.byteCount }) == counters.usedBytes
    else { throw MeshError(.internalError, "blocks or bytes do not add up") }
    for (number, namespace) in namespaces.all.enumerated() {
      let own = live.filter { $0.stored?.namespace.rawValue == UInt32(number) }
      guard own.reduce(0, { $0 + $1.byteCount }) == namespace.usedBytes,
        own.reduce(0, { $0 + ($1.pinCount > 0 ? $1.byteCount : 0) }) == namespace.pinnedBytes,
        own.count(where: { $0.state == .published }) == namespace.blockCount
      else { throw MeshError(.internalError, "namespace \(number)'s bytes do not add up") }
    }
  }
}
