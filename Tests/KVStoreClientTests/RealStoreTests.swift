import BlockCache
import KVStoreClient
import KVStoreService
import KVStoreWire
import MeshRuntime
import ServiceLifecycle
import ServiceTesting
import Testing

@Suite("The client and the store's own service")
struct RealStoreTests {
  @Test("agree on every call")
  func roundTrip() async throws {
    let reader = try await settings([
      "memory-mib": "8", "slab-bytes": "\(1 << 20)", "max-block-bytes": "\(256 << 10)",
    ])
    let server = try await KVStoreServer(
      settings: try await KVStoreSettings(reader),
      logger: .silent
    )
    let group = ServiceGroup(services: server.services, logger: .silent)
    try await withThrowingTaskGroup(of: Void.self) { tasks in
      tasks.addTask { try await group.run() }
      var settings = StoreClusterSettings(addresses: [try await server.server.boundAddress])
      settings.connectTimeout = .seconds(20)
      settings.lookupTimeout = .seconds(20)
      settings.stallTimeout = .seconds(20)
      settings.putTimeout = .seconds(20)
      let cluster = StoreCluster(settings: settings, logger: .silent)
      let keys = BlockKey.some(30)
      let blocks = keys.outgoing { .number($0, byteCount: 50_000) }
      #expect(await cluster.lookup(keys, in: namespace) == StorePrefix())
      #expect(await cluster.put(blocks, in: namespace) == keys.map { _ in .stored })
      let wrong = await cluster.put(Array(keys[..<2]).outgoing { .number($0 + 1) }, in: namespace)
      #expect(wrong == [.conflicting, .conflicting])
      let prefix = await cluster.lookup(keys, in: namespace)
      #expect(prefix.blockCount == 30)
      #expect(prefix.byteCount == 30 * 50_000)
      #expect(prefix.stretches.map(\.tier) == [.memory])
      let (payloads, report) = await cluster.collect(keys)
      #expect(payloads == blocks.map(\.payload.array))
      #expect(report == GetReport(blockCount: 30, ending: .complete))
      await cluster.remove([keys[12]], in: namespace)
      let presence = await cluster.presence(of: keys, in: namespace)
      #expect(presence == keys.indices.map { $0 != 12 })
      #expect(await cluster.collect(keys).report == GetReport(blockCount: 12, ending: .missing))
      await group.triggerGracefulShutdown()
    }
  }
}
