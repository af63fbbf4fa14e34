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

  @Test("keep a part of memory from the others, and nothing once they are gone")
  func stalled() async throws {
    // As much as 8 MiB hold.
    let all = blocks(0..<32, byteCount: Self.byteCount)
    try await TestStore.with { store in
      #expect(try await store.put(all) == all.map { _ in 0 })
      let begun = Counter()
      try await withThrowingTaskGroup(of: Void.self) { group in
        for reader in all.indices {
          let asked = Array(all[reader...] + all[..<reader])
          group.addTask { try await stall(store, asked, begun) }
        }
        try await eventually { begun.count.load(ordering: .relaxed) >= 8 }
        for number in 100..<164 {
          let outcomes = try await store.put([TestBlock(number, byteCount: Self.byteCount)])
          #expect(outcomes == [0])
        }
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
