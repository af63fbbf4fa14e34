import BlockCache
import MeshTypes

/// What workers have for a sequence, and what it would cost there.
extension SchedulerCore {
  /// What a worker has for a sequence.
  struct Offer {
    /// Leading blocks in its cache.
    var hitBlocks: Int
    /// Leading blocks that it has or fetches, and why it fetches or does not.
    var fetch: FetchPlan
    /// Blocks after those that another sequence there is about to compute.
    var awaitedBlocks = 0
    /// The key of the first of them, or of what fills no block if there is nothing else to await.
    var firstAwaitedKey: BlockKey?

    /// Whether the sequence first waits for a load there.
    var isLoaded: Bool { firstAwaitedKey == nil && fetch.blockCount > hitBlocks }
  }

  /// - Returns: nil when the worker lacks the memory now.
  mutating func offer(
    of worker: Int,
    for slot: Int,
    _ load: WorkerLoad
  ) -> Offer? {
    let capabilities = workers[worker].capabilities
    let chain = sequences[slot].keyChain(on: capabilities)
    let tokenCount = sequences[slot].tokenIDs.count
    // The last token is always computed: its logits are what the next token is sampled from.
    let hittable = (tokenCount - 1) / capabilities.blockSizeTokens
    let keys = sequences[slot].keyChains[chain].keys.prefix(hittable)
    let match = workers[worker].pool.longestPrefix(of: keys)
    var offer = Offer(
      hitBlocks: match.blockCount,
      fetch: fetchPlan(
        takesLoads(worker)
          ? sequences[slot].storeKnowledge.prefix(under: sequences[slot].keyChains[chain].root)
          : StoredPrefix(),
        hitBlocks: match.blockCount,
        usableBlocks: hittable,
        on: capabilities,
        worker
      )
    )
    if settings.awaitsSharedPrefixes {
      let awaited = keys.dropFirst(match.blockCount).prefix {
        workers[worker].fillsInProgress[$0] != nil
      }
      offer.awaitedBlocks = awaited.count
      offer.firstAwaitedKey = awaited.first
      if match.blockCount == hittable {
        offer.firstAwaitedKey = awaitedTail(of: slot, on: worker)
      }
    }
    if offer.firstAwaitedKey != nil { return offer }
    let taken =
      blocksAtAdmission(of: slot, on: worker) - match.blockCount + match.freeBlockCount
    return taken + headroom(of: worker, load) <= workers[worker].pool.freeCount ? offer : nil
  }

  /// Blocks that an admission must leave free. An idle worker has nobody to keep them for.
  private func headroom(of worker: Int, _ load: WorkerLoad) -> Int {
    guard !workers[worker].running.isEmpty else { return 0 }
    let watermark = settings.watermarkFraction * Double(workers[worker].capabilities.blockCount)
    // Not `rounded(.up)`: that needs libm, which nothing else here does.
    let whole = Int(watermark)
    return max(Double(whole) < watermark ? whole + 1 : whole, load.growthBlocks)
  }

  /// Positions to be computed, in units of one token's work, before and while the sequence runs:
  /// what is left of its prefill, what is queued before it, and the decoding it shares steps with.
  func cost(
    of offer: Offer,
    for slot: Int,
    on worker: Int,
    _ load: WorkerLoad
  ) -> Double {
    let capabilities = workers[worker].capabilities
    var known = 0
    var fetching = 0.0
    if settings.routing == .leastCost {
      let present = max(offer.hitBlocks + offer.awaitedBlocks, offer.fetch.blockCount)
      known = present * capabilities.blockSizeTokens
      let transfers = workers[worker].transfers
      fetching = offer.fetch.fetchMicroseconds / max(1, transfers.microsecondsPerPosition.first)
    }
    let left = sequences[slot].maxTotalCount - sequences[slot].tokenIDs.count
    let shared = load.sequenceCount * min(left, settings.decodeHorizonTokens)
    let tokens = sequences[slot].tokenIDs.count - known + load.queuedTokens + shared
    return (Double(tokens) + fetching) / capabilities.relativeSpeed
  }

  /// A number that is as good as drawn, and the same each time for a sequence and a worker.
  func chance(of worker: Int, for slot: Int) -> UInt64 {
    let arrival = sequences[slot].rank.arrival &* SplitMix64.increment
    return SplitMix64.mix(arrival ^ (workers[worker].epoch.rawValue &* 0xBF58_476D_1CE4_E5B9))
  }
}
