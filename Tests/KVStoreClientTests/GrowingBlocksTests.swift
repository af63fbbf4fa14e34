import BlockCache
import KVStoreClient
import KVStoreWire
import ServiceTesting
import Synchronization
import Testing

@Suite("Storing blocks that grow")
struct GrowingBlocksTests {
  private let keys = BlockKey.some(12)

  private func growing(byteCount: Int = 100) -> GrowingBlocks {
    GrowingBlocks(
      keys.outgoing { .number($0, byteCount: byteCount) }.map {
        GrowingBlocks.Block(key: $0.key, payload: $0.payload)
      }
    )
  }

  @Test("sends what there is while the rest is to come, to each block's store")
  func parts() async throws {
    let stores = (0..<3).map { _ in FakeStore() }
    try await withCluster(of: stores) { cluster in
      let growing = growing()
      async let outcomes = cluster.put(growing, in: namespace)
      for (step, byteCount) in [30, 31, 99].enumerated() {
        growing.grow(to: byteCount)
        try await eventually {
          keys.allSatisfy { key in
            stores.contains { ($0.partCounts[key] ?? 0) >= step + 1 }
          }
        }
        #expect(stores.map(\.blocks.count) == [0, 0, 0])
      }
      growing.complete()
      #expect(await outcomes == keys.map { _ in .stored })
      for (number, (key, owner)) in zip(keys, cluster.owners(of: keys)).enumerated() {
        #expect(stores[owner].blocks[key] == .number(number))
        #expect(stores[owner].partCounts[key] == 4)
      }
      #expect(cluster.statistics.puts == [.stored: 12])
    }
  }

  @Test("sends everything at once if all was there before")
  func atOnce() async throws {
    let store = FakeStore()
    try await withCluster(of: [store]) { cluster in
      let growing = growing()
      growing.grow(to: 50)
      growing.complete()
      // What is told afterwards changes nothing.
      growing.abandon()
      #expect(await cluster.put(growing, in: namespace) == keys.map { _ in .stored })
      #expect(store.partCounts.values.allSatisfy { $0 == 1 })
    }
  }

  @Test("stores nothing of blocks that are abandoned, and takes no store for broken")
  func abandoned() async throws {
    let store = FakeStore()
    try await withCluster(of: [store]) { cluster in
      let growing = growing()
      async let outcomes = cluster.put(growing, in: namespace)
      growing.grow(to: 60)
      growing.abandon(below: 60)
      try await eventually { store.partCounts.count == keys.count }
      growing.abandon(below: 61)
      growing.complete()
      #expect(await outcomes == keys.map { _ in .failed })
      #expect(store.blocks.isEmpty)
      #expect(cluster.statistics.availableReplicas == 1)
    }
  }

  @Test("takes a store that breaks off for broken at once, not for a slow one")
  func broken() async throws {
    let store = FakeStore(.failsAfter(0))
    try await withCluster(of: [store]) { cluster in
      let growing = growing()
      growing.complete()
      #expect(await cluster.put(growing, in: namespace) == keys.map { _ in .failed })
      // One failure opens the breaker; a timeout alone does not.
      #expect(cluster.statistics.availableReplicas == 0)
    }
  }

  @Test("waits for a store only so long after the blocks are complete")
  func silence() async throws {
    let store = FakeStore(.silent)
    try await withCluster(of: [store]) {
      $0.putTimeout = .milliseconds(50)
    } _: { cluster in
      let growing = growing()
      growing.complete()
      #expect(await cluster.put(growing, in: namespace) == keys.map { _ in .failed })
      #expect(cluster.statistics.availableReplicas == 1)
    }
  }
}
