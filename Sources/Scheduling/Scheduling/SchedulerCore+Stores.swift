import BlockCache
package import MeshTypes

/// Blocks on their way from a worker into the KV store.
extension SchedulerCore {
  /// Has the worker put full blocks of a sequence into the store, with its next plan: before anyone
  /// else can write to them.
  ///
  /// - Parameter range: Logical numbers of blocks that are full and written.
  mutating func store(_ range: Range<Int>, of slot: Int, on worker: Int) {
    // Another sequence's block of the same content has been stored by it.
    let store = newStore(range, of: slot, on: worker) { present, own in present == own }
    if let store { workers[worker].pendingStores.append(store) }
  }

  /// On a worker for prompts, whose blocks are waited for elsewhere: has a slice's full blocks put
  /// into the store while they are computed.
  mutating func storeAsComputed(
    _ slice: PlannedSlice,
    of slot: Int,
    on worker: Int
  ) -> BlockStore? {
    guard settings.usesStore, settings.storeWrites == .all,
      workers[worker].capabilities.role == .prefill
    else { return nil }
    let blockSize = workers[worker].capabilities.blockSizeTokens
    // A token that is yet to be sampled has no key.
    let end = min(slice.startPosition + slice.tokenCount, sequences[slot].tokenIDs.count)
    let first = slice.startPosition / blockSize
    guard end / blockSize > first else { return nil }
    var store = newStore(first..<end / blockSize, of: slot, on: worker) { present, _ in
      present == nil
    }
    store?.isAsComputed = true
    return store
  }

  /// - Parameter isNew: Whether a block goes along, by who has its content in the worker's prefix
  ///   index, and the block itself.
  private mutating func newStore(
    _ range: Range<Int>,
    of slot: Int,
    on worker: Int,
    _ isNew: (_ present: BlockID?, _ own: BlockID) -> Bool
  ) -> BlockStore? {
    let capabilities = workers[worker].capabilities
    guard capabilities.storeBlockBytes > 0 else { return nil }
    let chain = sequences[slot].keyChain(on: capabilities)
    let root = sequences[slot].keyChains[chain].root
    let present = sequences[slot].storeKnowledge.prefix(under: root).blockCount
    let first = max(range.lowerBound, present, sequences[slot].storedBlockCount)
    guard first < range.upperBound else { return nil }
    sequences[slot].storedBlockCount = range.upperBound
    var store = BlockStore(
      number: workers[worker].storesIssued + 1,
      namespace: sequences[slot].namespace,
      blocks: [],
      keys: []
    )
    for block in first..<range.upperBound {
      let key = sequences[slot].keyChains[chain].keys[block]
      let physical = sequences[slot].blockTable[block]
      guard isNew(workers[worker].pool.lookup(key), physical) else { continue }
      store.blocks.append(physical)
      store.keys.append(key)
    }
    guard !store.blocks.isEmpty else { return nil }
    counters.store.storedBlocks += UInt64(store.blocks.count)
    workers[worker].storesIssued = store.number
    sequences[slot].lastStore = (workers[worker].epoch, store.number)
    return store
  }

  /// Notes that all stores of a worker up to a number have ended.
  package mutating func complete(storesThrough number: UInt64, of epoch: Epoch) {
    guard let worker = place(of: epoch), number <= workers[worker].storesIssued else { return }
    workers[worker].storesDone = max(workers[worker].storesDone, number)
  }

  /// Whether blocks of a waiting sequence are on their way into the store.
  mutating func isBeingStored(_ slot: Int) -> Bool {
    guard let last = sequences[slot].lastStore else { return false }
    if let worker = place(of: last.epoch), workers[worker].storesDone < last.number { return true }
    sequences[slot].lastStore = nil
    return false
  }

  /// Swap-out: what the store does not have yet goes there, if bringing it back is expected to take
  /// less time than computing it again; then the sequence's blocks can go.
  mutating func swapOut(_ slot: Int, on worker: Int) {
    guard settings.usesStore, workers[worker].capabilities.storeBlockBytes > 0 else { return }
    let capabilities = workers[worker].capabilities
    let full = sequences[slot].publishedBlockCount
    guard full > 0 else { return }
    if settings.storeWrites == .preempted {
      let stored = StoredPrefix(stretches: [.init(tier: .memory, blockCount: full)])
      let plan = fetchPlan(stored, hitBlocks: 0, usableBlocks: full, on: capabilities, worker)
      if plan.decision?.action == .fetch { store(0..<full, of: slot, on: worker) }
    }
    if sequences[slot].storedBlockCount > 0 { counters.store.swapOuts += 1 }
  }

  /// What the worker's cost model makes of a prefix in the store.
  func fetchPlan(
    _ stored: StoredPrefix,
    hitBlocks: Int,
    usableBlocks: Int,
    on capabilities: WorkerCapabilities,
    _ worker: Int
  ) -> FetchPlan {
    workers[worker].transfers.planFetch(
      stored,
      hitBlocks: hitBlocks,
      usableBlocks: usableBlocks,
      blockBytes: capabilities.storeBlockBytes,
      blockSize: capabilities.blockSizeTokens,
      chunk: min(prefillCap, capabilities.maxBatchTokens),
      queued: workers[worker].loads.queuedBytes
    )
  }
}
