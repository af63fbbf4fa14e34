import FoundationEssentials
import GRPCCore
import MeshProtos
import ServiceTesting
import SwiftProtobuf
import Testing

@Suite("Watching evictions")
struct EvictionWatchTests {
  private struct Enough: Error {}

  /// Watches until as many evictions were told.
  private func watch(
    _ store: TestStore,
    namespace: String = "",
    after sequence: UInt64?,
    until count: Int
  ) async throws -> [Weft_Kvstore_V1_WatchEvictionsResponse] {
    let request = Weft_Kvstore_V1_WatchEvictionsRequest.with {
      $0.namespace = namespace
      if let sequence { $0.afterSequence = sequence }
    }
    return try await store.client.watchEvictions(request, options: .bounded) { response in
      var seen: [Weft_Kvstore_V1_WatchEvictionsResponse] = []
      for try await message in response.messages {
        seen.append(message)
        if seen.reduce(0, { $0 + $1.evictions.count }) >= count { break }
      }
      return seen
    }
  }

  @Test("evictions are told in order, with who, what and why")
  func inOrder() async throws {
    try await TestStore.with(["eviction-policy": "lru"]) { store in
      try await store.put(blocks(0..<140))
      #expect(try await store.remove([TestBlock(139)]) == 1)
      let messages = try await watch(store, after: 0, until: 13)
      let evictions = messages.flatMap(\.evictions)
      #expect(evictions.map(\.sequence) == Array(1...13))
      #expect(evictions.map(\.key) == (Array(0..<12) + [139]).map { [TestBlock($0)].keys })
      #expect(evictions.dropLast().allSatisfy { $0.reason == "capacity" })
      #expect(evictions.last?.reason == "removal")
      #expect(evictions.allSatisfy { $0.namespace == "shared" && $0.byteCount == 65_536 })
      #expect(evictions.allSatisfy { !$0.isOnDisk })
      #expect(messages.allSatisfy { $0.missedCount == 0 })
      #expect(messages.last?.lastSequence == 13)
      let rest = try await watch(store, after: 10, until: 3)
      #expect(rest.flatMap(\.evictions).map(\.sequence) == [11, 12, 13])
    }
  }

  @Test("a namespace's watcher is told of nobody else's")
  func filter() async throws {
    try await TestStore.with { store in
      for namespace in ["a", "b", "a", "b"] {
        try await store.put([TestBlock(1)], in: namespace)
        #expect(try await store.remove([TestBlock(1)], in: namespace) == 1)
      }
      let told = try await watch(store, namespace: "b", after: 0, until: 2).flatMap(\.evictions)
      #expect(told.map(\.sequence) == [2, 4])
      #expect(told.allSatisfy { $0.namespace == "b" })
    }
  }

  @Test("who was too slow is told how much is forgotten")
  func missed() async throws {
    try await TestStore.with { store in
      // 2048 places of a page; the log remembers 4096 evictions.
      try await store.put(blocks(0..<6500, byteCount: 16))
      let evicted = try await store.status().memory.evictedTotal
      #expect(evicted > 4096)
      let messages = try await watch(store, after: 0, until: 4096)
      #expect(messages.reduce(0) { $0 + $1.missedCount } == evicted - 4096)
      #expect(messages.flatMap(\.evictions).first?.sequence == evicted - 4095)
      #expect(messages.last?.lastSequence == evicted)
    }
  }

  @Test("what happens while somebody watches is told at once")
  func live() async throws {
    try await TestStore.with { store in
      try await store.put(blocks(0..<3))
      try await withThrowingTaskGroup(of: [UInt64].self) { group in
        group.addTask {
          try await watch(store, after: 0, until: 3).flatMap(\.evictions).map(\.sequence)
        }
        for block in blocks(0..<3) { _ = try await store.remove([block]) }
        let told = try await group.next()
        #expect(told == [1, 2, 3])
      }
    }
  }
}
