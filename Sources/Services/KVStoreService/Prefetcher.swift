import BlockCache
import MeshProtos
import ServiceLifecycle

/// Brings blocks from disk to memory that are expected to be asked for soon.
struct Prefetcher: Service {
  /// Blocks to bring.
  struct Request: Sendable {
    var keys: ArraySlice<BlockKey>
    var namespace: StoreNamespace
  }

  /// The most blocks of a request.
  static let mostKeysInRequest = 16
  /// Requests that wait; more are dropped.
  static let mostWaiting = 64
  /// Requests worked on at once.
  private static let mostAtOnce = 2

  let store: BlockStore

  func run() async throws {
    await cancelWhenGracefulShutdown {
      await withTaskGroup(of: Void.self) { group in
        for _ in 0..<Self.mostAtOnce {
          group.addTask {
            for await request in store.prefetches.requests { await store.bring(request) }
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
      let end = start + stretch.blockCount
      defer { start = end }
      guard stretch.tier == .ssd else { continue }
      let atOnce = Prefetcher.mostKeysInRequest
      for first in stride(from: start, to: end, by: atOnce).prefix(Prefetcher.mostWaiting) {
        let some = keys[first..<min(first + atOnce, end)]
        prefetches.append(Prefetcher.Request(keys: some, namespace: namespace))
      }
    }
  }

  /// Brings blocks to memory that have to be read from disk.
  fileprivate func bring(_ request: Prefetcher.Request) async {
    guard let disk else { return }
    var run = DiskRun(in: request.namespace)
    for key in request.keys {
      guard !disk.wanted.contains(request.namespace.diskKey(key)),
        let byteCount = bytesToRead(of: key, in: request.namespace)
      else { continue }
      run.append(key, byteCount: byteCount)
    }
    guard !run.blocks.isEmpty else { return }
    // Nobody waits for the blocks themselves.
    let (_, blocks) = AsyncStream.makeStream(
      of: FoundBlock?.self,
      bufferingPolicy: .bufferingOldest(0)
    )
    await disk.load(run, to: self, blocks)
  }
}
