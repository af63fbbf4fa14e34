import BlockCache
import GRPCCore
import GRPCCoreTransport
import KVStoreClient
import MeshProtos
import ServiceTesting
import Testing

@Suite("Looking blocks up in many stores")
struct LookupTests {
  private let keys = BlockKey.some(40)

  @Test("ends before the first block that is missing anywhere", arguments: 1...4)
  func prefix(_ count: Int) async throws {
    let stores = (0..<count).map { _ in FakeStore() }
    try await withCluster(of: stores) { cluster in
      #expect(await cluster.lookup(keys, in: namespace) == StorePrefix())
      for missing in [0, 1, 17, 39] {
        cluster.fill(stores, keys) { $0 == missing ? nil : .number($0) }
        let prefix = await cluster.lookup(keys, in: namespace, prefetch: true)
        #expect(prefix.blockCount == missing)
        #expect(prefix.byteCount == 100 * missing)
        #expect(prefix.isComplete)
      }
      cluster.fill(stores, keys) { .number($0) }
      #expect(await cluster.lookup(keys, in: namespace).blockCount == keys.count)
      #expect(await cluster.lookup([], in: namespace) == StorePrefix())
    }
  }

  @Test("tells tiers, bytes, and the time of the slowest store for each stretch")
  func stretches() async throws {
    let stores = (0..<3).map { _ in FakeStore() }
    try await withCluster(of: stores) { cluster in
      cluster.fill(stores, keys) { number in
        var block = FakeStore.Block.number(number, byteCount: 10 + number)
        if (10..<25).contains(number) { block.tier = .ssd }
        return block
      }
      let owners = cluster.owners(of: keys)
      let expected = [(0..<10, 1), (10..<25, 10), (25..<40, 1)].map { range, cost in
        let times = (0..<3).map { store in
          range.filter { owners[$0] == store }.reduce(0) { $0 + cost * (10 + $1) }
        }
        return StorePrefix.Stretch(
          tier: cost == 1 ? .memory : .disk,
          blockCount: range.count,
          byteCount: range.reduce(0) { $0 + 10 + $1 },
          estimatedMicroseconds: times.max() ?? 0
        )
      }
      #expect(await cluster.lookup(keys, in: namespace).stretches == expected)
    }
  }

  @Test("goes on without a store that keeps silent; after some tries it is not asked for a while")
  func silence() async throws {
    let store = FakeStore(.silent)
    let time = ManualTime()
    try await withCluster(of: [store], time: time) {
      $0.lookupTimeout = .milliseconds(50)
    } _: { cluster in
      cluster.fill([store], keys) { .number($0) }
      for _ in 0..<10 {
        #expect(await cluster.lookup(keys, in: namespace) == StorePrefix(isComplete: false))
      }
      // A call may have timed out before it arrived, but no more than three were made.
      #expect(store.callCount <= 3)
      #expect(cluster.statistics.availableReplicas == 0)
      #expect(cluster.statistics.incompleteLookups == 10)
      store.behaviour = .honest
      // Each try may fail once more where the machine is busy.
      try await eventually {
        time.advance(by: .seconds(10))
        return await cluster.lookup(keys, in: namespace).blockCount == keys.count
      }
      #expect(cluster.statistics.availableReplicas == 1)
    }
  }

  @Test("finds a store that begins to listen after it was looked for in vain")
  func latecomer() async throws {
    let store = FakeStore()
    let address = TransportAddress.unix(path: uniqueSocketPath())
    let time = ManualTime()
    var settings = StoreClusterSettings(addresses: [address])
    // Each try in vain takes this long.
    settings.connectTimeout = .milliseconds(200)
    settings.lookupTimeout = .seconds(20)
    let cluster = StoreCluster(settings: settings, logger: .silent, now: { time.now })
    store.blocks[keys[0]] = .number(0)
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await cluster.run() }
      for _ in 0..<8 {
        #expect(await !cluster.lookup(keys, in: namespace).isComplete)
        time.advance(by: .seconds(10))
      }
      let server = GRPCServer(
        transport: CoreServerTransport(address: address),
        services: [FakeBlockService(store: store)]
      )
      group.addTask { try await server.serve() }
      _ = try await server.transport.listeningAddress
      // Core itself would try again only after its longest pause.
      try await eventually {
        time.advance(by: .seconds(10))
        return await cluster.lookup(keys, in: namespace).blockCount == 1
      }
      group.cancelAll()
      while await group.nextResult() != nil {}
    }
  }

  @Test("finds nothing where nobody listens, and what others have")
  func nobody() async throws {
    let stores = (0..<2).map { _ in FakeStore() }
    let time = ManualTime()
    try await withCluster(of: stores, time: time) {
      $0.addNobody()
    } _: { cluster in
      let owners = cluster.owners(of: keys)
      for (number, owner) in owners.enumerated() where owner < 2 {
        stores[owner].blocks[keys[number]] = .number(number)
      }
      let others = keys.indices.filter { owners[$0] < 2 }.map { keys[$0] }
      try await eventually {
        time.advance(by: .seconds(10))
        return await cluster.lookup(others, in: namespace).isComplete
      }
      #expect(await cluster.lookup(others, in: namespace).blockCount == others.count)
      let prefix = await cluster.lookup(keys, in: namespace)
      #expect(prefix.blockCount == owners.firstIndex(of: 2))
      #expect(!prefix.isComplete)
      #expect(cluster.statistics.availableReplicas == 2)
    }
  }

  @Test("takes an answer that makes no sense for none")
  func nonsense() async throws {
    let store = FakeStore(.nonsense)
    try await withCluster(of: [store]) { cluster in
      cluster.fill([store], keys) { .number($0) }
      #expect(await cluster.lookup(keys, in: namespace) == StorePrefix(isComplete: false))
    }
  }
}
