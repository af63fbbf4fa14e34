import BlockCache
import MeshTypes
import Scheduling

/// What the KV store would hold: the histories of a block's slots by namespace and key.
final class FakeStore {
  struct Key: Hashable {
    var namespace: String
    var key: BlockKey
  }

  private(set) var blocks: [Key: [UInt64?]] = [:]

  /// - Returns: Whether the block was new, or there with the same content.
  func put(_ namespace: String, _ key: BlockKey, _ content: [UInt64?]) -> Bool {
    let place = Key(namespace: namespace, key: key)
    if let present = blocks[place] { return present == content }
    blocks[place] = content
    return true
  }

  func get(_ namespace: String, _ key: BlockKey) -> [UInt64?]? {
    blocks[Key(namespace: namespace, key: key)]
  }

  func remove(_ namespace: String, _ key: BlockKey) {
    blocks[Key(namespace: namespace, key: key)] = nil
  }

  func removeAll() { blocks = [:] }

  /// The answer of a store that has everything in memory.
  func answer(_ query: StoreQuery) -> StoreAnswer {
    let count = query.keys.prefix { get(query.namespace, $0) != nil }.count
    let stretches: [StoredPrefix.Stretch] =
      count > 0 ? [.init(tier: .memory, blockCount: count)] : []
    return StoreAnswer(to: query, StoredPrefix(stretches: stretches))
  }
}

/// The worker's side of stores and loads.
extension FakeWorker {
  mutating func beginTransfers(of plan: StepPlan) throws {
    for store in plan.stores {
      try require(store.number == lastStore + 1, "stores are numbered through")
      lastStore = store.number
      if !store.isAsComputed { try put(store) }
    }
    for copy in plan.copies { try make(copy) }
    for id in plan.cancelledLoads { cancel(id) }
    for load in plan.loads {
      try require(loads[load.id] == nil, "a load begins twice")
      try require(load.blocks.count == load.keys.count && !load.keys.isEmpty, "a load is empty")
      try require(load.timeoutMilliseconds > 0, "a load has no time")
      begin(load)
      for block in load.blocks { scribble(over: block) }
    }
  }

  /// Copies what is needed of a block, and nothing else.
  private mutating func make(_ copy: BlockCopy) throws {
    try require(1...capabilities.blockSizeTokens ~= copy.tokenCount, "a copy is within a block")
    try require(
      !loads.values.contains {
        $0.blocks.contains(copy.source) || $0.blocks.contains(copy.destination)
      },
      "a block is copied while it is being loaded"
    )
    try require(
      !sequences.values.contains { $0.table.contains(copy.destination) },
      "a copy goes to a block that a started sequence has"
    )
    let content = memory[slots(of: copy.source)].prefix(copy.tokenCount)
    try require(!content.contains(nil), "a block is copied that was not written so far")
    scribble(over: copy.destination)
    let first = slots(of: copy.destination).lowerBound
    memory.replaceSubrange(first..<first + copy.tokenCount, with: Array(content))
    copyCount += 1
  }

  /// Stores the blocks that the slices of this step have made full, if they were computed.
  func putAsComputed(_ stores: [BlockStore], by slices: [PlannedSlice]) throws {
    let size = capabilities.blockSizeTokens
    let computed = Set(
      slices.flatMap { slice in
        let end = slice.startPosition + slice.tokenCount
        return sequences[slice.sequence]?.table[slice.startPosition / size..<end / size] ?? []
      }
    )
    for store in stores where store.isAsComputed && computed.isSuperset(of: store.blocks) {
      try put(store)
    }
  }

  /// Stores blocks as they are.
  private func put(_ store: BlockStore) throws {
    for (block, key) in zip(store.blocks, store.keys) {
      let content = Array(memory[slots(of: block)])
      try require(!content.contains(nil), "a block is stored before it is full")
      try require(
        self.store.put(store.namespace, key, content),
        "two contents are stored under one key"
      )
    }
  }

  /// Ends a load after at most `limit` blocks, which the store has to have.
  mutating func endLoad(_ id: LoadID, limit: Int = .max) -> LoadResult? {
    guard let load = take(id) else { return nil }
    var loaded = 0
    for (block, key) in zip(load.blocks, load.keys) {
      // Until the load has ended it writes: whoever used its blocks meanwhile would see it.
      scribble(over: block)
      guard loaded < limit, let content = store.get(load.namespace, key) else { continue }
      if content.count == capabilities.blockSizeTokens,
        block == load.blocks[loaded]
      {
        memory.replaceSubrange(slots(of: block), with: content)
        loaded += 1
      }
    }
    return LoadResult(
      id: id,
      loadedBlocks: loaded,
      microseconds: 1000,
      memoryBytes: loaded * capabilities.storeBlockBytes
    )
  }

  private func slots(of block: BlockID) -> Range<Int> {
    let first = Int(block.rawValue) * capabilities.blockSizeTokens
    return first..<first + capabilities.blockSizeTokens
  }

  private mutating func scribble(over block: BlockID) {
    for slot in slots(of: block) { memory[slot] = nil }
  }
}
