import MeshProtos
import Scheduling
import SwiftProtobuf

extension Weft_Scheduler_V1_StoreStatus {
  /// What was decided about the KV store, and by what estimates.
  init(_ statistics: SchedulerStatistics) {
    let counters = statistics.counters.store
    self = .with {
      $0.lookupsTotal = counters.lookups
      $0.failedLookupsTotal = counters.failedLookups
      $0.queriedTokensTotal = counters.queriedTokens
      $0.foundTokensTotal = counters.foundTokens
      $0.fetchedTokensTotal = counters.fetchedTokens
      $0.failedTokensTotal = counters.failedTokens
      $0.swapOutsTotal = counters.swapOuts
      $0.swapInsTotal = counters.swapIns
      $0.storedBlocksTotal = counters.storedBlocks
      $0.decisions = counters.decisions.map { decision, count in
        .with {
          $0.action = decision.action.rawValue
          $0.reason = decision.reason.rawValue
          $0.total = count
        }
      }
      $0.decisions.sort { ($0.action, $0.reason) < ($1.action, $1.reason) }
      $0.estimates = statistics.workers.filter { $0.capabilities.storeBlockBytes > 0 }
        .map { Weft_Scheduler_V1_TransferEstimate($0) }
      $0.estimates.sort { $0.worker < $1.worker }
    }
  }
}

extension Weft_Scheduler_V1_TransferEstimate {
  fileprivate init(_ worker: WorkerStatistics) {
    self = .with {
      $0.worker = worker.capabilities.name
      $0.microsecondsPerToken = worker.transfers.microsecondsPerToken
      $0.microsecondsPerContextToken = worker.transfers.microsecondsPerContextToken
      $0.loadLatencyMicroseconds = worker.transfers.loadLatencyMicroseconds
      $0.memoryBytesPerSecond = worker.transfers.memoryBytesPerSecond
      $0.diskBytesPerSecond = worker.transfers.diskBytesPerSecond
    }
  }
}
