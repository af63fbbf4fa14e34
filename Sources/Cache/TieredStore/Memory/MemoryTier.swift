package import BlockCache
package import MeshTypes

/// The DRAM tier's records: which blocks there are, where they lie in the arena, who holds them,
/// and which go when room is needed. The bytes themselves are ``MemoryArena``'s.
///
/// A pure state machine: used under one lock, while bytes are copied outside of it. A writer
/// reserves room, fills it, and publishes the block when its bytes are complete; only then can it
/// be found. A reader acquires a block, which keeps its bytes where they are until the release.
/// A lease keeps blocks from eviction until it is given back or expires; time comes in as a value.
package struct MemoryTier: Sendable {
  /// What a record is in the course of a block's life.
  enum State: UInt8, Sendable {
    case vacant
    /// Being written; not to be found yet.
    case reserved
    /// To be found.
    case published
    /// Not to be found any more, but still held.
    case leaving
  }

  struct Entry: Sendable {
    var state = State.vacant
    /// Counts the record's blocks, so that handles of earlier ones are known.
    var generation: UInt32 = 0
    var stored: StoredKey?
    var address = SlabPool.Address(slab: -1, place: -1)
    var byteCount = 0
    var checksum: UInt32 = 0
    /// Readers, or the writer.
    var holdCount: Int32 = 0
    /// Leases.
    var pinCount: Int32 = 0
    var useCount: UInt32 = 0
    var lastUse: UInt64 = 0
    var membership = EvictionGroups.Membership(group: -1, slot: -1)

    var isProtected: Bool { holdCount > 0 || pinCount > 0 }
  }

  package let configuration: MemoryTierConfiguration
  var entries: [Entry] = []
  var vacantEntries: [Int32] = []
  var index: [StoredKey: Int32] = [:]
  var slabs: SlabPool
  var groups: EvictionGroups
  var namespaces = NamespaceTable()
  var leases = LeaseTable()
  var counters = Counters()
  /// Counts uses: later ones have higher ticks.
  var tick: UInt64 = 0
  /// The latest evictions, for watchers.
  package internal(set) var evictionLog: EvictionLog

  /// Creates a tier without blocks.
  ///
  /// - Throws: ``MeshError`` `invalidArgument` naming a setting out of range.
  package init(configuration: MemoryTierConfiguration) throws(MeshError) {
    try configuration.validate()
    self.configuration = configuration
    slabs = SlabPool(
      slabCount: configuration.capacityBytes / configuration.slabBytes,
      slabBytes: configuration.slabBytes
    )
    groups = EvictionGroups(kind: configuration.policy)
    evictionLog = EvictionLog(capacity: configuration.evictionLogLength)
  }

  // MARK: Writing

  /// Takes room for a block, evicting others if need be: of the namespace itself where its quota
  /// demands it, else of the namespace that uses the largest share of its quota.
  ///
  /// - Parameters:
  ///   - byteCount: The payload's size, at least 1 and at most a slab.
  ///   - now: Leases that end until then have ended.
  ///   - evictions: Blocks that went are appended, in order, whatever the outcome.
  /// - Throws: ``MeshError`` `outOfRange` when no slab could hold the block, `notFound` for an
  ///   unknown namespace.
  package mutating func reserve(
    _ namespace: NamespaceID,
    _ key: BlockKey,
    byteCount: Int,
    nowMilliseconds now: UInt64,
    evictions: inout [Eviction]
  ) throws(MeshError) -> ReservationOutcome {
    try check(namespace)
    guard (1...configuration.slabBytes).contains(byteCount) else {
      throw MeshError(
        .outOfRange,
        "payload must have 1...\(configuration.slabBytes) bytes, got \(byteCount)",
        field: "payload"
      )
    }
    expireLeases(nowMilliseconds: now)
    let stored = StoredKey(namespace: namespace, key: key)
    if let present = index[stored] { return .present(hold(Int(present))) }
    guard byteCount <= namespaces[namespace].quotaBytes else {
      counters.overQuotaCount += 1
      return .overQuota
    }
    guard fitQuota(of: namespace, addingBytes: byteCount, evictions: &evictions),
      let entry = allocate(byteCount, for: namespace, evictions: &evictions)
    else {
      counters.exhaustedCount += 1
      return .exhausted
    }
    entries[entry].stored = stored
    namespaces[namespace].usedBytes += byteCount
    counters.usedBytes += byteCount
    return .reserved(extent(of: entry))
  }

  /// Makes a reserved block findable: its bytes are complete.
  ///
  /// - Parameter checksum: The CRC32C of its payload.
  package mutating func publish(_ handle: BlockHandle, checksum: UInt32) -> PublicationOutcome {
    let entry = self.entry(handle)
    guard entries[entry].state == .reserved, let stored = entries[entry].stored else {
      preconditionFailure("only a reservation is published")
    }
    if let present = index[stored] { return .present(hold(Int(present))) }
    entries[entry].state = .published
    entries[entry].checksum = checksum
    entries[entry].holdCount = 0
    slabs.letGo(entries[entry].address.slab)
    entries[entry].membership = groups.insert(
      entry,
      namespace: Int(stored.namespace.rawValue),
      sizeClass: SizeClass(byteCount: entries[entry].byteCount),
      byteCount: entries[entry].byteCount,
      fingerprint: UInt64(bitPattern: Int64(stored.hashValue))
    )
    index[stored] = Int32(entry)
    namespaces[stored.namespace].blockCount += 1
    counters.storedCount += 1
    noteUse(of: entry)
    return .published
  }

  /// Gives reserved room back.
  package mutating func abandon(_ handle: BlockHandle) {
    let entry = self.entry(handle)
    precondition(entries[entry].state == .reserved, "only a reservation is abandoned")
    slabs.letGo(entries[entry].address.slab)
    free(entry)
  }

  // MARK: Taking blocks away

  /// Makes a block unfindable, leased or not; its room is free once nobody reads it.
  ///
  /// - Returns: nil when the namespace has no such key.
  package mutating func remove(_ namespace: NamespaceID, _ key: BlockKey) -> Eviction? {
    index[StoredKey(namespace: namespace, key: key)].map { withdraw(Int($0), .removal) }
  }

  /// Makes a held block unfindable because its bytes fail their checksum. The hold goes on.
  ///
  /// - Returns: nil when it was unfindable already.
  package mutating func discardCorrupted(_ handle: BlockHandle) -> Eviction? {
    let entry = self.entry(handle)
    guard entries[entry].state == .published else { return nil }
    counters.corruptedCount += 1
    return withdraw(entry, .corruption)
  }

  /// Takes blocks that would go next out of the index, so that they can be written to the next
  /// tier before there is a need for room. Each stays held until ``release(_:)``.
  ///
  /// - Parameter byteCount: Go on until blocks of this size together were taken, or none can be.
  package mutating func demote(atLeastBytes byteCount: Int) -> [Demotion] {
    var demotions: [Demotion] = []
    var takenBytes = 0
    while takenBytes < byteCount {
      guard let group = greediestGroup(of: groups.evictable()),
        let entry = groups.nextVictim(of: group), let stored = entries[entry].stored
      else { break }
      let extent = hold(entry)
      let useCount = entries[entry].useCount
      _ = withdraw(entry, .demotion)
      takenBytes += extent.byteCount
      demotions.append(
        Demotion(
          namespace: stored.namespace,
          key: stored.key,
          extent: extent,
          useCount: useCount
        )
      )
    }
    return demotions
  }
}
