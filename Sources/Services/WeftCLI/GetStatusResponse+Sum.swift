package import MeshProtos
import SwiftProtobuf

extension Weft_Scheduler_V1_GetStatusResponse {
  /// Adds what another scheduler of the mesh says. A worker whose name is taken is called after its
  /// address too.
  package mutating func add(_ other: Self) {
    var other = other
    for index in other.workers.indices {
      let worker = other.workers[index]
      guard workers.contains(where: { $0.worker == worker.worker }) else { continue }
      let name = "\(worker.worker) (\(worker.address))"
      for estimate in other.store.estimates.indices
      where other.store.estimates[estimate].worker == worker.worker {
        other.store.estimates[estimate].worker = name
      }
      other.workers[index].worker = name
    }
    workers += other.workers
    waitingSequences += other.waitingSequences
    runningSequences += other.runningSequences
    preemptionsTotal += other.preemptionsTotal
    draftedTokensTotal += other.draftedTokensTotal
    acceptedDraftTokensTotal += other.acceptedDraftTokensTotal
    copiedTailsTotal += other.copiedTailsTotal
    copiedTokensTotal += other.copiedTokensTotal
    store.add(other.store)
  }
}

extension Weft_Scheduler_V1_StoreStatus {
  fileprivate mutating func add(_ other: Self) {
    lookupsTotal += other.lookupsTotal
    failedLookupsTotal += other.failedLookupsTotal
    queriedTokensTotal += other.queriedTokensTotal
    foundTokensTotal += other.foundTokensTotal
    fetchedTokensTotal += other.fetchedTokensTotal
    failedTokensTotal += other.failedTokensTotal
    swapOutsTotal += other.swapOutsTotal
    swapInsTotal += other.swapInsTotal
    storedBlocksTotal += other.storedBlocksTotal
    estimates += other.estimates
    for decision in other.decisions {
      let same = decisions.firstIndex {
        $0.action == decision.action && $0.reason == decision.reason
      }
      if let same {
        decisions[same].total += decision.total
      } else {
        decisions.append(decision)
      }
    }
  }
}
