import BlockCache

/// What the KV store is asked.
extension SchedulerCore {
  /// Questions that have come up since the last call, for the KV store. Each must be answered by
  /// ``complete(_:)-(StoreAnswer)``, in short time: its sequence waits.
  package mutating func nextStoreQueries() -> [StoreQuery] {
    defer { storeQueries = [] }
    return storeQueries
  }

  /// Takes an answer in. One to a question that is not asked any more is ignored.
  ///
  /// - Returns: A failure with `deadlineExceeded` if the sequence, without what the store has not, cannot
  ///   end in time.
  package mutating func complete(_ answer: StoreAnswer) -> [SequenceEvent] {
    guard let slot = sequences.slot(of: answer.sequence),
      sequences[slot].storeKnowledge == .asked(ticket: answer.ticket),
      let root = sequences[slot].storeRoot
    else { return [] }
    sequences[slot].storeKnowledge = .known(
      answer.prefix ?? StoredPrefix(),
      root: root,
      step: completedSteps
    )
    guard answer.prefix != nil else {
      counters.store.failedLookups += 1
      return []
    }
    return refuseIfLate(slot)
  }

  /// Whether an answer that would matter is still to come; asks if nobody has, or if the last answer
  /// is old: blocks come and go.
  mutating func awaitsStore(_ slot: Int) -> Bool {
    guard settings.usesStore else { return false }
    if isBeingStored(slot) { return true }
    switch sequences[slot].storeKnowledge {
    case .asked: return true
    case .known(_, _, let step) where completedSteps < step + settings.storeAnswerLifetimeSteps:
      return false
    case .known, .unknown: return ask(slot)
    }
  }

  /// Counts what the store had for an admission, and what was made of it.
  mutating func count(_ offer: Offer, of slot: Int, on worker: Int) {
    let capabilities = workers[worker].capabilities
    guard settings.usesStore, capabilities.storeBlockBytes > 0 else { return }
    let hitTokens = offer.hitBlocks * capabilities.blockSizeTokens
    counters.store.queriedTokens += UInt64(sequences[slot].tokenIDs.count - hitTokens)
    guard let decision = offer.fetch.decision else { return }
    let chain = sequences[slot].keyChain(on: capabilities)
    let stored = sequences[slot].storeKnowledge.prefix(under: sequences[slot].keyChains[chain].root)
    let found = stored.blockCount - offer.hitBlocks
    counters.store.foundTokens += UInt64(max(0, found) * capabilities.blockSizeTokens)
    counters.store.decisions[decision, default: 0] += 1
    // What is never tried is never learnt: estimates of fetching go back to what they began with.
    if decision.reason == .slower { workers[worker].transfers.forgetFetching() }
  }

  /// - Returns: false when there is nothing to ask.
  private mutating func ask(_ slot: Int) -> Bool {
    guard
      let worker = workers.first(where: {
        $0.capabilities.storeBlockBytes > 0 && sequences[slot].fits($0.capabilities)
      })
    else { return false }
    let capabilities = worker.capabilities
    let chain = sequences[slot].keyChain(on: capabilities)
    // The last token is always computed.
    let usable = (sequences[slot].tokenIDs.count - 1) / capabilities.blockSizeTokens
    guard usable > 0 else { return false }
    nextTicket += 1
    counters.store.lookups += 1
    sequences[slot].storeKnowledge = .asked(ticket: nextTicket)
    sequences[slot].storeRoot = sequences[slot].keyChains[chain].root
    storeQueries.append(
      StoreQuery(
        sequence: sequences[slot].id,
        ticket: nextTicket,
        namespace: sequences[slot].namespace,
        keys: Array(sequences[slot].keyChains[chain].keys.prefix(usable))
      )
    )
    return true
  }
}
