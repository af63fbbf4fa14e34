import BlockCache
import GRPCCoreTransport
import KVStoreClient
import ServiceTesting
import Testing

@Suite("Storing blocks in many stores")
struct PutTests {
  private let keys = BlockKey.some(20)

  @Test("puts each where it is looked for; the second time too they are there")
  func stored() async throws {
    let stores = (0..<3).map { _ in FakeStore() }
    try await withCluster(of: stores) { cluster in
      #expect(await cluster.presence(of: keys, in: namespace) == keys.map { _ in false })
      for _ in 0..<2 {
        let outcomes = await cluster.put(keys.outgoing(), in: namespace)
        #expect(outcomes == keys.map { _ in .stored })
      }
      for (key, owner) in zip(keys, cluster.owners(of: keys)) {
        #expect(stores[owner].blocks[key] != nil)
      }
      #expect(await cluster.presence(of: keys, in: namespace) == keys.map { _ in true })
      #expect(cluster.statistics.puts == [.stored: 40])
    }
  }

  @Test("tells which are there with other bytes, and which found no room")
  func outcomes() async throws {
    let stores = (0..<2).map { _ in FakeStore() }
    try await withCluster(of: stores) { cluster in
      cluster.fill(stores, keys) { $0 == 4 ? .number(99) : nil }
      let outcomes = await cluster.put(keys.outgoing(), in: namespace)
      #expect(outcomes == keys.indices.map { $0 == 4 ? .conflicting : .stored })
      for store in stores {
        store.blocks = [:]
        store.behaviour = .full
      }
      let refused = await cluster.put(keys.outgoing(), in: namespace)
      #expect(refused == keys.map { _ in .refused })
    }
  }

  @Test("fails for the keys of a store that does not answer, and for no others")
  func nobody() async throws {
    let store = FakeStore()
    let time = ManualTime()
    try await withCluster(of: [store], time: time) {
      $0.addNobody()
    } _: { cluster in
      let owners = cluster.owners(of: keys)
      let expected = owners.map { $0 == 0 ? true : nil }
      try await eventually {
        time.advance(by: .seconds(10))
        return await cluster.presence(of: keys, in: namespace)
          == owners.map { $0 == 0 ? false : nil }
      }
      let outcomes = await cluster.put(keys.outgoing(), in: namespace)
      #expect(outcomes == owners.map { $0 == 0 ? .stored : .failed })
      #expect(await cluster.presence(of: keys, in: namespace) == expected)
    }
  }

  @Test("can be undone")
  func remove() async throws {
    let stores = (0..<2).map { _ in FakeStore() }
    try await withCluster(of: stores) { cluster in
      cluster.fill(stores, keys) { .number($0) }
      await cluster.remove(Array(keys[3..<6]), in: namespace)
      let presence = await cluster.presence(of: keys, in: namespace)
      #expect(presence == keys.indices.map { !(3..<6).contains($0) })
      #expect(cluster.statistics.removedBlocks == 3)
    }
  }
}
