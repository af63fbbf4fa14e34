import KVStoreClient
import MeshTypes
import Scheduling
import ServiceLifecycle

/// Asks the KV store what the scheduling core wants to know of it.
struct StoreLookups: Service {
  let dispatcher: Dispatcher
  let stores: StoreCluster

  func run() async {
    await withDiscardingTaskGroup { group in
      for await query in dispatcher.storeQueries.cancelOnGracefulShutdown() {
        group.addTask {
          // What is found on disk comes to memory while the sequence waits for its turn.
          let found = await stores.lookup(query.keys, in: query.namespace, prefetch: true)
          let isLost = found.blockCount == 0 && !found.isComplete
          dispatcher.complete(StoreAnswer(to: query, isLost ? nil : StoredPrefix(found)))
        }
      }
    }
  }
}

extension StoredPrefix {
  /// What the client found, without the sizes: they are those of the worker's blocks.
  fileprivate init(_ found: StorePrefix) {
    self.init(
      stretches: found.stretches.map { stretch in
        Stretch(
          tier: stretch.tier == .memory ? .memory : .disk,
          blockCount: stretch.blockCount,
          estimatedMicroseconds: Double(stretch.estimatedMicroseconds)
        )
      }
    )
  }
}
