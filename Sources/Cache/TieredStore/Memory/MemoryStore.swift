package import BlockCache
import Checksum
import Glibc
package import MeshTypes
import Synchronization

/// What came of storing a block; all are normal answers.
package enum PutOutcome: Hashable, Sendable {
  case stored
  /// The key is here with the same bytes.
  case present
  /// The key is here with other bytes, which stay.
  case conflict
  /// The tier is full of blocks that are pinned, held or being written.
  case exhausted
  /// The block is larger than the namespace's quota.
  case overQuota
}

/// The DRAM tier for use from many threads: a ``MemoryTier`` under one lock, and its
/// ``MemoryArena``, whose bytes are copied and checked outside of the lock.
package final class MemoryStore: Sendable {
  package let arena: MemoryArena
  /// Whether the checksum of every block is computed when it is read.
  package let verifiesReads: Bool
  package let configuration: MemoryTierConfiguration
  private let tier: Mutex<MemoryTier>

  /// Creates an empty store and maps its arena, which takes its time if it `isResident` at once.
  ///
  /// - Throws: ``MeshError`` `invalidArgument` for a setting out of range, `resourceExhausted` when
  ///   there is no memory.
  package init(
    configuration: MemoryTierConfiguration,
    verifiesReads: Bool = true,
    requestsHugePages: Bool = true,
    isResident: Bool = false
  ) throws(MeshError) {
    let tier = try MemoryTier(configuration: configuration)
    arena = try MemoryArena(
      byteCount: configuration.capacityBytes,
      requestsHugePages: requestsHugePages,
      isResident: isResident
    )
    self.configuration = configuration
    self.tier = Mutex(tier)
    self.verifiesReads = verifiesReads
  }

  /// Works on the records under the lock: for all that concerns no bytes (leases, touches,
  /// namespaces, statistics). Keep it short, and let no ``HeldBlock`` go away inside.
  package func withTier<Result: Sendable, Failure: Error>(
    _ body: (inout MemoryTier) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try tier.withLock { (tier) throws(Failure) in try body(&tier) }
  }

  /// Payload bytes of all blocks, those being written or still being read included.
  package var usedBytes: Int { tier.withLock { $0.usedBytes } }

  // MARK: Reading

  /// Holds the longest prefix of `keys` that is here and, where reads are verified, undamaged.
  /// A damaged block is discarded and counted, and the prefix ends before it.
  ///
  /// - Throws: ``MeshError`` `notFound` for an unknown namespace.
  package func get(
    _ keys: some Collection<BlockKey>,
    in namespace: NamespaceID
  ) throws(MeshError) -> [HeldBlock] {
    let extents = try tier.withLock { (tier) throws(MeshError) in
      try tier.acquirePrefix(of: keys, in: namespace)
    }
    let blocks = zip(keys, extents).map { HeldBlock(key: $0, extent: $1, store: self) }
    guard verifiesReads else { return blocks }
    for (number, extent) in extents.enumerated() where !isIntact(extent) {
      discardCorrupted(extent)
      return Array(blocks[..<number])
    }
    return blocks
  }

  /// Holds one block; nil when it is not here or damaged.
  package func get(
    _ key: BlockKey,
    in namespace: NamespaceID
  ) throws(MeshError) -> HeldBlock? {
    try get(CollectionOfOne(key), in: namespace).first
  }

  /// Holds one block for the tier below: notes no use and checks nothing.
  package func hold(_ key: BlockKey, in namespace: NamespaceID) -> HeldBlock? {
    tier.withLock { $0.holdUnused(namespace, key) }
      .map { HeldBlock(key: key, extent: $0, store: self) }
  }

  // MARK: Writing

  /// Stores a copy of a block.
  ///
  /// - Parameters:
  ///   - payload: Its bytes, 1 to a slab of them.
  ///   - checksum: Their CRC32C as the sender computed it; nil if it gave none.
  ///   - now: Leases that end until then have ended.
  ///   - evictions: Blocks that went to make room are appended.
  /// - Throws: ``MeshError`` `corrupted` when payload and checksum disagree, `outOfRange` when no
  ///   slab could hold it, `notFound` for an unknown namespace.
  package func put(
    _ payload: RawSpan,
    as key: BlockKey,
    in namespace: NamespaceID,
    checksum: UInt32? = nil,
    nowMilliseconds now: UInt64,
    evictions: inout [Eviction]
  ) throws(MeshError) -> PutOutcome {
    let computed = CRC32C.checksum(payload)
    guard checksum == nil || checksum == computed else {
      throw MeshError(
        .corrupted,
        "payload of key \(key) has not the checksum sent with it",
        field: "checksum"
      )
    }
    while true {
      let outcome = try reserveExtent(
        payload.byteCount,
        as: key,
        in: namespace,
        nowMilliseconds: now,
        evictions: &evictions
      )
      switch outcome {
      case .exhausted: return .exhausted
      case .overQuota: return .overQuota
      case .present(let present):
        let comparison = payload.withUnsafeBytes { compare($0, present) }
        if let comparison { return comparison }
      case .reserved(let extent):
        var reservation = BlockReservation(
          namespace: namespace,
          key: key,
          extent: extent,
          store: self
        )
        reservation.withUnsafeMutableBytes { room in
          payload.withUnsafeBytes { room.copyMemory(from: $0) }
        }
        return reservation.publish(checksum: computed)
      }
    }
  }

  /// Takes room for a block that the caller fills itself, for instance from a disk.
  ///
  /// - Returns: The reservation, or why there is none: ``PutOutcome/present`` (with bytes that
  ///   were not compared), ``PutOutcome/exhausted`` or ``PutOutcome/overQuota``.
  /// - Throws: As ``put(_:as:in:checksum:nowMilliseconds:evictions:)``.
  package func reserve(
    byteCount: Int,
    as key: BlockKey,
    in namespace: NamespaceID,
    nowMilliseconds now: UInt64,
    evictions: inout [Eviction]
  ) throws(MeshError) -> ReservationResult {
    let outcome = try reserveExtent(
      byteCount,
      as: key,
      in: namespace,
      nowMilliseconds: now,
      evictions: &evictions
    )
    switch outcome {
    case .exhausted: return .refused(.exhausted)
    case .overQuota: return .refused(.overQuota)
    case .present(let present):
      release(present.handle)
      return .refused(.present)
    case .reserved(let extent):
      return .reserved(
        BlockReservation(namespace: namespace, key: key, extent: extent, store: self)
      )
    }
  }

  /// What ``reserve(byteCount:as:in:nowMilliseconds:evictions:)`` gives.
  package enum ReservationResult: ~Copyable, Sendable {
    case reserved(BlockReservation)
    case refused(PutOutcome)
  }

  private func reserveExtent(
    _ byteCount: Int,
    as key: BlockKey,
    in namespace: NamespaceID,
    nowMilliseconds now: UInt64,
    evictions: inout [Eviction]
  ) throws(MeshError) -> ReservationOutcome {
    let (outcome, gone) = try tier.withLock { (tier) throws(MeshError) in
      var gone: [Eviction] = []
      let outcome = try tier.reserve(
        namespace,
        key,
        byteCount: byteCount,
        nowMilliseconds: now,
        evictions: &gone
      )
      return (outcome, gone)
    }
    evictions += gone
    return outcome
  }

  // MARK: Demotion

  /// Takes blocks that would go next out of the store, to be written to the next tier.
  ///
  /// - Parameter byteCount: Go on until blocks of this size together were taken, or none can be.
  package func demote(atLeastBytes byteCount: Int) -> [(namespace: NamespaceID, block: HeldBlock)] {
    let demotions = tier.withLock { $0.demote(atLeastBytes: byteCount) }
    return demotions.map {
      ($0.namespace, HeldBlock(key: $0.key, extent: $0.extent, store: self))
    }
  }
}

/// What reservations and held blocks call.
extension MemoryStore {
  func release(_ handle: BlockHandle) { tier.withLock { $0.release(handle) } }
  func abandon(_ handle: BlockHandle) { tier.withLock { $0.abandon(handle) } }

  /// Publishes a filled reservation; unless it is ``PutOutcome/stored``, the reservation goes on.
  func publish(
    _ extent: BlockExtent,
    namespace: NamespaceID,
    key: BlockKey,
    checksum: UInt32
  ) -> PutOutcome {
    while true {
      let outcome = tier.withLock { $0.publish(extent.handle, checksum: checksum) }
      guard case .present(let present) = outcome else { return .stored }
      // Somebody was faster. A first one that proves damaged makes way.
      if let comparison = compare(arena.bytes(of: extent), present) { return comparison }
    }
  }

  /// Compares bytes with a block that is held, and releases it.
  ///
  /// - Returns: nil when they differ because the block is damaged, which has been discarded.
  private func compare(
    _ payload: UnsafeRawBufferPointer,
    _ present: BlockExtent
  ) -> PutOutcome? {
    defer { release(present.handle) }
    let stored = arena.bytes(of: present)
    if payload.hasSameBytes(as: stored) { return .present }
    if isIntact(present) { return .conflict }
    discardCorrupted(present)
    return nil
  }

  private func isIntact(_ extent: BlockExtent) -> Bool {
    CRC32C.checksum(arena.bytes(of: extent)) == extent.checksum
  }

  private func discardCorrupted(_ extent: BlockExtent) {
    tier.withLock { _ = $0.discardCorrupted(extent.handle) }
  }
}

extension UnsafeRawBufferPointer {
  func hasSameBytes(as other: UnsafeRawBufferPointer) -> Bool {
    guard count == other.count, let mine = baseAddress, let others = other.baseAddress else {
      return count == other.count
    }
    return memcmp(mine, others, count) == 0
  }
}
