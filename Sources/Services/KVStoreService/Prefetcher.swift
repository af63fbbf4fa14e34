import BlockCache
import MeshProtos
import ServiceLifecycle

/// Brings blocks from disk to memory that are expected to be asked for soon.
struct Prefetcher: Service {
  /// A block to bring.
  struct Request: Sendable {
    var key: BlockKey
    var namespace: StoreNamespace
  }

  /// Requests that wait; more are dropped.
  static let mostWaiting = 1024
  /// Reads in flight at once.
  private static let mostAtOnce = 2

  let store: BlockStore

  func run() async throws {
    await cancelWhenGracefulShutdown {
      await withTaskGroup(of: Void.self) { group in
        for _ in 0..<Self.mostAtOnce {
          group.addTask {
            for await request in store.prefetches.requests {
              guard store.isOnlyOnDisk(request.key, in: request.namespace) else { continue }
              _ = await store.block(request.key, in: request.namespace)
            }
          }
        }
      }
    }
  }
}

/// What is to be prefetched.
struct PrefetchQueue: Sendable {
  let requests: AsyncStream<Prefetcher.Request>
  private let continuation: AsyncStream<Prefetcher.Request>.Continuation

  init() {
    (requests, continuation) = AsyncStream.makeStream(
      bufferingPolicy: .bufferingOldest(Prefetcher.mostWaiting)
    )
  }

  func append(_ request: Prefetcher.Request) { continuation.yield(request) }
}

extension BlockStore {
  /// Has the stretches that are on disk brought to memory in the background.
  func prefetch(_ keys: [BlockKey], _ stretches: [Stretch], in namespace: StoreNamespace) {
    var start = 0
    for stretch in stretches {
      defer { start += stretch.blockCount }
      guard stretch.tier == .ssd else { continue }
      for key in keys[start..<start + stretch.blockCount].prefix(Prefetcher.mostWaiting) {
        prefetches.append(Prefetcher.Request(key: key, namespace: namespace))
      }
    }
  }
}
