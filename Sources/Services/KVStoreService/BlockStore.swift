import BlockCache
import MeshTypes
import SegmentStore
import TieredStore

/// Both tiers as one store, for use from many calls at once.
///
/// A block is in memory, on disk, or both. What concerns memory alone is done in place, for it takes
/// microseconds; what waits for the disk is done by ``DiskTier`` on threads of its own.
final class BlockStore: Sendable {
  let memory: MemoryStore
  let disk: DiskTier?
  let evictions = EvictionSignal()
  let prefetches = PrefetchQueue()
  let counters = StoreCounters()
  let memorySpeed: SpeedMeter
  let memoryThrottle: Throttle?
  /// Milliseconds on a scale of its own, for leases.
  let now: @Sendable () -> UInt64
  /// The longest payload that is taken.
  let maxBlockBytes: Int
  /// Room for blocks that come in several messages, which a slow writer keeps from all others.
  let partsBudget: ByteBudget
  /// What blocks on their way to readers may keep from all others: a reader may take his time.
  let readBudget: ByteBudget

  /// Creates a store around its tiers.
  init(
    memory: MemoryStore,
    disk: DiskTier?,
    settings: KVStoreSettings,
    now: @escaping @Sendable () -> UInt64
  ) {
    self.memory = memory
    self.disk = disk
    self.now = now
    maxBlockBytes = settings.maxBlockBytes
    let quarter = max(memory.configuration.capacityBytes / 4, maxBlockBytes)
    partsBudget = ByteBudget(limitBytes: quarter)
    readBudget = ByteBudget(limitBytes: quarter)
    memorySpeed = SpeedMeter(assumed: Double(settings.memoryReadLimit ?? 1_000_000_000))
    memoryThrottle = settings.memoryReadLimit.map { Throttle(bytesPerSecond: $0) }
  }

  /// The number of a namespace in memory; nil if nothing was ever written to it there.
  func namespaceID(of namespace: StoreNamespace) -> NamespaceID? {
    memory.withTier { $0.namespace(named: namespace.name) }
  }

  /// The number of a namespace in memory, which is made if need be.
  ///
  /// - Throws: ``MeshError`` `resourceExhausted` when there are too many.
  func openNamespace(_ namespace: StoreNamespace) throws(MeshError) -> NamespaceID {
    try memory.withTier { (tier) throws(MeshError) in try tier.openNamespace(namespace.name) }
  }

  // MARK: Reading

  /// A block from memory; nil if it is not there.
  ///
  /// - Parameter share: What it takes of the readers' budget.
  func blockInMemory(
    _ key: BlockKey,
    in namespace: StoreNamespace,
    share: ByteBudget.Share? = nil
  ) -> FoundBlock? {
    guard let id = namespaceID(of: namespace) else { return nil }
    guard let block = try? memory.get(key, in: id) else {
      // It may have gone because it was found damaged.
      evictions.notify()
      return nil
    }
    disk?.noteUse(of: block, in: namespace)
    return FoundBlock(block, share: share)
  }

  /// Whether a block is only on disk, or is waiting to be written there.
  func isOnlyOnDisk(_ key: BlockKey, in namespace: StoreNamespace) -> Bool {
    guard let disk, disk.contains(namespace.diskKey(key)) else { return false }
    return byteCountInMemory(of: key, in: namespace) == nil
  }

  /// A block from wherever it is, brought to memory if there is room.
  ///
  /// - Parameter share: What it takes of the readers' budget.
  func block(
    _ key: BlockKey,
    in namespace: StoreNamespace,
    share: ByteBudget.Share? = nil
  ) async -> FoundBlock? {
    if let block = blockInMemory(key, in: namespace, share: share) { return block }
    return await disk?.load(key, in: namespace, share: share, to: self)
  }

  // MARK: Sizes

  /// The size of a block, wherever it is.
  func byteCount(of key: BlockKey, in namespace: StoreNamespace) -> Int? {
    if let inMemory = byteCountInMemory(of: key, in: namespace) { return inMemory }
    guard let disk else { return nil }
    let diskKey = namespace.diskKey(key)
    return disk.queue.block(of: diskKey)?.byteCount ?? disk.segments.payloadBytes(of: diskKey)
  }

  /// The size of a block that has to be read from disk; nil if it need not, or cannot be.
  func bytesToRead(of key: BlockKey, in namespace: StoreNamespace) -> Int? {
    guard let disk, byteCountInMemory(of: key, in: namespace) == nil else { return nil }
    let diskKey = namespace.diskKey(key)
    guard disk.queue.block(of: diskKey) == nil else { return nil }
    return disk.segments.payloadBytes(of: diskKey)
  }

  private func byteCountInMemory(of key: BlockKey, in namespace: StoreNamespace) -> Int? {
    guard let id = namespaceID(of: namespace) else { return nil }
    let sizes = try? memory.withTier { (tier) throws(MeshError) in
      try tier.byteCounts(of: CollectionOfOne(key), in: id)
    }
    return sizes?.first.flatMap { $0 }
  }

  // MARK: Writing

  /// Takes room for a block.
  func reserve(
    byteCount: Int,
    as key: BlockKey,
    in namespace: NamespaceID
  ) throws(MeshError) -> MemoryStore.ReservationResult {
    var gone: [Eviction] = []
    defer { if !gone.isEmpty { evictions.notify() } }
    return try memory.reserve(
      byteCount: byteCount,
      as: key,
      in: namespace,
      nowMilliseconds: now(),
      evictions: &gone
    )
  }

  /// To be called when a writer's block is in memory. Where every block is to be on disk, waits for
  /// a disk that does not keep up.
  func didStore(_ key: BlockKey, in namespace: StoreNamespace, _ id: NamespaceID) async {
    guard let disk else { return }
    switch disk.writes {
    case .writeBack: demoteAheadOfNeed(to: disk)
    case .secondHit:
      if let block = memory.hold(key, in: id) { disk.offer(block, in: namespace) }
    case .writeThrough:
      if let block = memory.hold(key, in: id) { await disk.write(block, in: namespace) }
    }
  }

  /// Takes what would go next out of memory, as much as can be written soon, so that room is there
  /// before it is needed.
  private func demoteAheadOfNeed(to disk: DiskTier) {
    let configuration = memory.configuration
    let used = memory.usedBytes - disk.queue.byteCount
    let excess = used - (configuration.capacityBytes - configuration.capacityBytes / 8)
    guard excess > 0 else { return }
    demote(atLeastBytes: min(max(excess, configuration.capacityBytes / 64), disk.queue.freeBytes))
  }

  /// Moves blocks from memory to the disk's queue.
  ///
  /// - Returns: How many.
  @discardableResult
  func demote(atLeastBytes byteCount: Int) -> Int {
    guard let disk, byteCount > 0 else { return 0 }
    let demoted = memory.demote(atLeastBytes: byteCount)
    for (id, block) in demoted {
      disk.offer(block, in: StoreNamespace(existing: name(of: id)))
    }
    if !demoted.isEmpty { evictions.notify() }
    return demoted.count
  }
}
