import GRPCCore
import KVStoreWire
import MeshProtos
import ServiceTesting
import SwiftProtobuf
import Synchronization
import Testing

@Suite("Readers who do not read")
struct StalledReaderTests {
  private static let byteCount = 256 << 10

  private final class Counter: Sendable {
    let count = Atomic(0)
  }

  /// Takes the first of some blocks and then no other until the task is cancelled.
  private func stall(
    _ store: TestStore,
    _ asked: [TestBlock],
    _ begun: Counter
  ) async throws {
    let request = Weft_Kvstore_V1_GetRequest.with {
      $0.namespace = "shared"
      $0.keys = asked.keys
    }
    try await Weft_Kvstore_V1_KVStoreService.getBlocks(
      request,
      on: store.grpc,
      options: .bounded
    ) { response in
      for try await _ in response.messages {
        begun.count.add(1, ordering: .relaxed)
        let (never, end) = AsyncStream.makeStream(of: Never.self)
        for await _ in never {}
        withExtendedLifetime(end) {}
      }
    }
  }

  /// Waits until everybody has as much in flight as the connection's windows let him.
  private func waitUntilNothingFlows(from store: TestStore) async throws {
    var (read, unchangedCount): (UInt64, Int) = (0, 0)
    try await eventually {
      let now = try await store.status().memory.readBytesTotal
      unchangedCount = now == read ? unchangedCount + 1 : 0
      read = now
      return unchangedCount == 100
    }
  }

  @Test("keep a part of memory from the others, and nothing once they are gone")
  func stalled() async throws {
    // As much as 8 MiB hold.
    let all = blocks(0..<32, byteCount: Self.byteCount)
    try await TestStore.with(["eviction-policy": "lru"]) { store in
      #expect(try await store.put(all) == all.map { _ in 0 })
      let begun = Counter()
      try await withThrowingTaskGroup(of: Void.self) { group in
        for reader in all.indices {
          // Each more than its window lets through, and each stuck at another block.
          let asked = (0..<8).flatMap { _ in all[reader...] + all[..<reader] }
          group.addTask { try await stall(store, asked, begun) }
        }
        try await eventually { begun.count.load(ordering: .relaxed) >= 8 }
        try await waitUntilNothingFlows(from: store)
        // Most of it is for others.
        let others = blocks(100..<120, byteCount: Self.byteCount)
        #expect(try await store.put(others) == others.map { _ in 0 })
        #expect(try await store.lookup(others).blockCount == 20)
        group.cancelAll()
        while await group.nextResult() != nil {}
      }
      let fresh = blocks(200..<232, byteCount: Self.byteCount)
      // The store learns of it when the cancellations arrive.
      try await eventually {
        try await store.put(fresh)
        return try await store.get(fresh).count == fresh.count
      }
    }
  }
}
