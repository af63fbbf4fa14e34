import BlockCache
import MeshTypes

/// Waiting for the worker that has a sequence's prefix, where all are busy.
extension SchedulerCore {
  /// Whether a sequence had better wait for another worker than be placed where there is room: one
  /// that has more of it, and would have it at less cost, though it is full at the moment.
  ///
  /// - Parameters:
  ///   - offer: What the best worker with room has.
  ///   - cost: What the sequence would cost there.
  mutating func isHeld(
    _ slot: Int,
    _ offer: Offer,
    _ cost: Double,
    on best: Int,
    _ loads: [WorkerLoad]
  ) -> Bool {
    guard settings.routing == .leastCost, mayBeHeld(slot) else { return false }
    for worker in workers.indices
    where worker != best && !loads[worker].isOpen && isCandidate(worker, for: slot) {
      let capabilities = workers[worker].capabilities
      let chain = sequences[slot].keyChain(on: capabilities)
      let hits = workers[worker].pool.longestPrefix(of: sequences[slot].keyChains[chain].keys)
      guard hits.blockCount > max(offer.hitBlocks + offer.awaitedBlocks, offer.fetch.blockCount)
      else { continue }
      let fetch = FetchPlan(blockCount: hits.blockCount, fetchMicroseconds: 0, decision: nil)
      let other = Offer(hitBlocks: hits.blockCount, fetch: fetch)
      guard self.cost(of: other, for: slot, on: worker, loads[worker]) < cost else { continue }
      sequences[slot].heldSince = sequences[slot].heldSince ?? completedSteps
      return true
    }
    return false
  }

  /// Whether its patience is not at an end. Steps are counted over all workers.
  private func mayBeHeld(_ slot: Int) -> Bool {
    guard let since = sequences[slot].heldSince else { return true }
    return completedSteps - since < UInt64(settings.affinityPatienceSteps * workers.count)
  }
}
