import BlockCache
import FoundationEssentials
import GRPCCore
import MeshProtos
import MeshRuntime
import MeshTypes
import ServiceLifecycle
import SwiftProtobuf
import TieredStore

/// One call that watches evictions.
struct EvictionWatch: Sendable {
  /// The most evictions in a message.
  private static let evictionsAtOnce = 256

  private let store: BlockStore
  private let namespace: String?
  private let start: UInt64

  /// Creates a watch.
  ///
  /// - Parameters:
  ///   - namespace: Nil watches all.
  ///   - sequence: Nil begins with what happens from now on.
  init(store: BlockStore, namespace: String?, after sequence: UInt64?) {
    self.store = store
    self.namespace = namespace
    start = sequence ?? store.lastEviction
  }

  /// Tells evictions until the call is cancelled or the process is asked to stop.
  func run(
    _ writer: RPCWriter<Weft_Kvstore_V1_WatchEvictionsResponse>,
    _ context: ServerContext
  ) async throws {
    try await withTaskCancelledByRPC(context) {
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask {
          try await store.evictions.watch { signals in
            var sequence = start
            for await _ in signals {
              while let message = message(after: &sequence) { try await writer.write(message) }
            }
          }
        }
        group.addTask { try await gracefulShutdown() }
        defer { group.cancelAll() }
        try await group.next()
      }
    }
  }

  /// - Returns: nil if there is nothing to tell.
  private func message(
    after sequence: inout UInt64
  ) -> Weft_Kvstore_V1_WatchEvictionsResponse? {
    while true {
      let page = store.evictions(after: sequence, limit: Self.evictionsAtOnce)
      guard page.lastSequence != sequence || page.missedCount > 0 else { return nil }
      sequence = page.lastSequence
      let told = page.evictions.compactMap { message(for: $0) }
      guard !told.isEmpty || page.missedCount > 0 else { continue }
      return .with {
        $0.evictions = told
        $0.missedCount = page.missedCount
        $0.lastSequence = page.lastSequence
      }
    }
  }

  private func message(for eviction: TieredStore.Eviction) -> Weft_Kvstore_V1_Eviction? {
    let name = store.name(of: eviction.namespace)
    guard namespace == nil || namespace == name else { return nil }
    let diskKey = StoreNamespace(existing: name).diskKey(eviction.key)
    return .with {
      $0.sequence = eviction.sequence
      $0.namespace = name
      $0.key = Data(eviction.key.bytes)
      $0.byteCount = UInt64(eviction.byteCount)
      $0.reason = eviction.reason.rawValue
      $0.isOnDisk = store.disk?.contains(diskKey) ?? false
    }
  }
}
