import BlockCache
import MeshTypes

/// From the waiting queue to the workers.
extension SchedulerCore {
  enum Choice {
    /// Run it there.
    case place(worker: Int, Offer)
    /// Another sequence is computing its prefix.
    case awaitPrefix
    /// The KV store has not answered yet.
    case awaitStore
    /// Its prefix is on a worker that has no room yet.
    case held
    /// It has to wait for room.
    case blocked
    /// No present worker can ever run it.
    case homeless
  }

  /// Gives waiting sequences to workers that have budget, memory and a place for them, in the order
  /// of their ranks. A sequence that must wait for room closes every worker that can ever run it to
  /// those behind it, so the small never starve the large. One whose prefix is on a worker without
  /// room lets others go first, for a while, who have theirs where there is room; what is free then
  /// is anybody's.
  ///
  /// - Complexity: O(workers + sequences that run where something has changed + placed × workers).
  mutating func dispatch() {
    guard !waiting.isEmpty, !workers.isEmpty else { return }
    var loads: [WorkerLoad] = []
    swap(&loads, &scratch.loads)
    defer {
      loads.removeAll(keepingCapacity: true)
      swap(&loads, &scratch.loads)
    }
    for worker in workers.indices {
      let load = workers[worker].load ?? load(of: worker)
      workers[worker].load = load
      loads.append(load)
    }
    if settings.affinityPatienceSteps > 0 { place(among: &loads, holding: true) }
    place(among: &loads, holding: false)
  }

  private mutating func place(among loads: inout [WorkerLoad], holding: Bool) {
    var place = 0
    var skipped = 0
    while place < waiting.count, skipped < settings.dispatchLookahead,
      loads.contains(where: { $0.isOpen || $0.takesLoads })
    {
      let slot = waiting[place]
      switch choose(for: slot, among: loads, holding: holding) {
      case .place(let worker, let offer):
        waiting.remove(at: place)
        countPlaced(slot)
        admit(slot, to: worker, offer)
        count(slot, in: &loads[worker], of: worker)
      case .homeless:
        place += 1
      case .awaitPrefix, .awaitStore, .held:
        place += 1
        skipped += 1
      case .blocked:
        let drawn = drawnWorker(for: slot)
        for worker in workers.indices
        where isCandidate(worker, for: slot) && worker == drawn ?? worker {
          loads[worker].isOpen = false
          loads[worker].takesLoads = false
        }
        place += 1
        skipped += 1
      }
    }
  }

  private func load(of worker: Int) -> WorkerLoad {
    var load = WorkerLoad(isOpen: true, takesLoads: takesLoads(worker))
    for slot in workers[worker].running { count(slot, in: &load, of: worker) }
    load.isOpen = isOpen(worker, load)
    return load
  }

  private func count(_ slot: Int, in load: inout WorkerLoad, of worker: Int) {
    load.growthBlocks += expectedGrowth(of: slot, on: worker)
    load.takesLoads = load.takesLoads && takesLoads(worker)
    guard sequences[slot].load == nil else { return }
    let wanted = max(1, sequences[slot].wantedCount)
    load.demandTokens += min(wanted, prefillCap)
    load.queuedTokens += wanted
    load.sequenceCount += 1
    load.isOpen = load.isOpen && isOpen(worker, load)
  }

  private func expectedGrowth(of slot: Int, on worker: Int) -> Int {
    let known = sequences[slot].totalCount
    // The last token takes no slot.
    let soon = min(sequences[slot].maxTotalCount - 1, known + settings.growthHorizonTokens)
    let needed = workers[worker].capabilities.blocks(covering: soon)
    return max(0, needed - sequences[slot].blockTable.count)
  }

  private func isOpen(_ worker: Int, _ load: WorkerLoad) -> Bool {
    let capabilities = workers[worker].capabilities
    let places = min(
      settings.maxRunningPerWorker ?? capabilities.maxBatchSequences,
      capabilities.maxBatchSequences
    )
    return load.sequenceCount < places && load.demandTokens < capabilities.maxBatchTokens
  }

  func takesLoads(_ worker: Int) -> Bool {
    settings.usesStore && workers[worker].capabilities.storeBlockBytes > 0
      && workers[worker].loads.count < settings.maxLoadsPerWorker
  }

  var prefillCap: Int { settings.maxPrefillTokensPerSequencePerStep ?? .max }

  /// A draining worker takes back only its own, and only if nobody else can ever run them.
  func isCandidate(_ worker: Int, for slot: Int) -> Bool {
    guard sequences[slot].fits(workers[worker].capabilities), suits(worker, slot) else {
      return false
    }
    guard workers[worker].isDraining else { return true }
    return sequences[slot].lastEpoch == workers[worker].epoch
      && !workers.contains { !$0.isDraining && sequences[slot].fits($0.capabilities) }
  }

  /// The candidate of least cost, then of least load, then any.
  private mutating func choose(
    for slot: Int,
    among loads: [WorkerLoad],
    holding: Bool
  ) -> Choice {
    if isPrefixInProgress(for: slot) { return .awaitPrefix }
    if awaitsStore(slot) { return .awaitStore }
    var best: (rank: (cost: Double, load: Int, chance: UInt64), choice: Choice)?
    var hasCandidate = false
    let drawn = drawnWorker(for: slot)
    for worker in workers.indices where isCandidate(worker, for: slot) {
      hasCandidate = true
      guard worker == drawn ?? worker else { continue }
      guard loads[worker].isOpen || loads[worker].takesLoads,
        let offer = offer(of: worker, for: slot, loads[worker]),
        loads[worker].isOpen || offer.isLoaded
      else { continue }
      let rank = (
        cost: cost(of: offer, for: slot, on: worker, loads[worker]),
        load: loads[worker].queuedTokens, chance: chance(of: worker, for: slot)
      )
      if let best, best.rank < rank { continue }
      let isAwaited = offer.firstAwaitedKey != nil
      best = (rank, isAwaited ? .awaitPrefix : .place(worker: worker, offer))
      sequences[slot].awaitedPrefix = offer.firstAwaitedKey.map { (workers[worker].epoch, $0) }
    }
    guard let best else { return hasCandidate ? .blocked : .homeless }
    if holding, case .place(let worker, let offer) = best.choice,
      isHeld(slot, offer, best.rank.cost, on: worker, loads)
    {
      return .held
    }
    return best.choice
  }

  /// The worker that chance gives a sequence, however much is queued there; nil if it has a choice.
  private func drawnWorker(for slot: Int) -> Int? {
    guard settings.routing == .random else { return nil }
    return workers.indices.lazy.filter { isCandidate($0, for: slot) }
      .min { chance(of: $0, for: slot) < chance(of: $1, for: slot) }
  }

  /// Whether the prefix that it was found to wait for is still being computed.
  private mutating func isPrefixInProgress(for slot: Int) -> Bool {
    guard let awaited = sequences[slot].awaitedPrefix else { return false }
    if let worker = place(of: awaited.epoch), !workers[worker].isDraining,
      workers[worker].fillsInProgress[awaited.key] != nil
    {
      return true
    }
    sequences[slot].awaitedPrefix = nil
    return false
  }

  /// Takes the hit blocks and new ones for all other known tokens; begins its load, if it has one.
  private mutating func admit(_ slot: Int, to worker: Int, _ offer: Offer) {
    let hitBlocks = offer.hitBlocks
    let capabilities = workers[worker].capabilities
    let chain = sequences[slot].keyChain(on: capabilities)
    let keys = sequences[slot].keyChains[chain].keys
    for key in keys.prefix(hitBlocks) {
      guard let block = workers[worker].pool.lookup(key) else {
        preconditionFailure("the prefix was there a moment ago")
      }
      workers[worker].pool.retain(block)
      sequences[slot].blockTable.append(block)
    }
    // So that it never moves while it grows.
    sequences[slot].blockTable.reserveCapacity(
      capabilities.blocks(covering: sequences[slot].maxTotalCount)
    )
    let needed = blocksAtAdmission(of: slot, on: worker)
    extendBlockTable(of: slot, to: needed, on: worker)
    precondition(sequences[slot].blockTable.count == needed, "the memory was there a moment ago")
    let id = sequences[slot].id
    for key in keys.dropFirst(hitBlocks) where workers[worker].fillsInProgress[key] == nil {
      workers[worker].fillsInProgress[key] = id
    }
    enter(slot, worker, hitBlocks: hitBlocks)
    if !offer.isLoaded { copyTail(of: slot, after: hitBlocks, on: worker) }
    beginTailFill(of: slot, on: worker)
    count(offer, of: slot, on: worker)
    if offer.isLoaded {
      beginLoad(of: slot, hitBlocks..<offer.fetch.blockCount, offer.fetch, on: worker)
    }
  }

  private mutating func enter(_ slot: Int, _ worker: Int, hitBlocks: Int) {
    note(worker)
    let hitTokens = hitBlocks * workers[worker].capabilities.blockSizeTokens
    sequences[slot].placement = .running(workers[worker].epoch)
    sequences[slot].lastEpoch = workers[worker].epoch
    sequences[slot].awaitedPrefix = nil
    sequences[slot].heldSince = nil
    sequences[slot].admission += 1
    shares.reach(sequences[slot].rank.turn, priority: sequences[slot].rank.priority)
    sequences[slot].scheduledCount = hitTokens
    sequences[slot].completedCount = hitTokens
    sequences[slot].publishedBlockCount = hitBlocks
    counters.prefixHitTokens += UInt64(hitTokens)
    counters.prefixQueriedTokens += UInt64(sequences[slot].tokenIDs.count)
    if sequences[slot].cachedPromptTokens == nil {
      sequences[slot].cachedPromptTokens = min(hitTokens, sequences[slot].promptTokenCount)
    }
    let rank = sequences[slot].rank
    let place = workers[worker].running.firstIndex { rank < sequences[$0].rank }
    workers[worker].running.insert(slot, at: place ?? workers[worker].running.endIndex)
  }
}
