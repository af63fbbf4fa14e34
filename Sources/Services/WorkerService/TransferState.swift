import MeshTypes

/// What the loads and stores of one Execute call have come to.
struct TransferState {
  /// Who waits for the end of some loads.
  struct LoadsWaiter {
    var loads: Set<UInt64>
    /// Finished when all have ended.
    let continuation: AsyncStream<Never>.Continuation
  }

  /// Blocks being loaded: no slice may use them.
  var loadingBlocks: Set<UInt32> = []
  var gates: [UInt64: WriteGate] = [:]
  var isClosed = false
  /// Of the step under way.
  var layeredStores: [LayeredStore] = []
  var waitingStores = 0
  var storesDone: UInt64 = 0
  var storesTold: UInt64 = 0
  var loadsWaiters: [LoadsWaiter] = []

  /// The last store of those that have ended; 0 if that was told already.
  mutating func takeStoresDone() -> UInt64 {
    guard storesDone > storesTold else { return 0 }
    storesTold = storesDone
    return storesDone
  }

  /// - Returns: Those who waited for this load alone.
  mutating func end(_ load: BlockLoad) -> [AsyncStream<Never>.Continuation] {
    loadingBlocks.subtract(load.blocks.map(\.rawValue))
    gates[load.id] = nil
    for index in loadsWaiters.indices { loadsWaiters[index].loads.remove(load.id) }
    defer { loadsWaiters.removeAll { $0.loads.isEmpty } }
    return loadsWaiters.filter { $0.loads.isEmpty }.map(\.continuation)
  }
}
