import BlockCache
import GRPCCoreTransport
import KVStoreClient
import KVStoreService
import Logging
import MeshRuntime
import ServiceLifecycle
import ServiceTesting
import WorkerService

/// Runs `body` with a store service of its own.
func withStore<Result: Sendable>(
  _ body: (TransportAddress) async throws -> Result
) async throws -> Result {
  let reader = try await settings(["memory-mib": "32"])
  let server = try await KVStoreServer(
    settings: try await KVStoreSettings(reader),
    logger: .silent
  )
  return try await withThrowingTaskGroup(of: Void.self) { tasks in
    let group = ServiceGroup(services: server.services, logger: .silent)
    tasks.addTask { try await group.run() }
    let result = try await body(try await server.server.boundAddress)
    await group.triggerGracefulShutdown()
    try await tasks.waitForAll()
    return result
  }
}

/// Which blocks the store at `address` has.
func presence(of keys: [BlockKey], at address: TransportAddress) async -> [Bool?] {
  var settings = StoreClusterSettings(addresses: [address])
  settings.connectTimeout = .seconds(20)
  settings.lookupTimeout = .seconds(20)
  let cluster = StoreCluster(settings: settings, logger: .silent)
  return await withThrowingTaskGroup(of: Void.self) { group in
    group.addTask { try await cluster.run() }
    let presence = await cluster.presence(of: keys, in: LongPrompt.namespace)
    group.cancelAll()
    while await group.nextResult() != nil {}
    return presence
  }
}

extension TestWorker {
  /// Runs `body` with a worker on a store, for which nothing takes too long: the machine may be busy.
  static func with<Result: Sendable>(
    storeAt address: TransportAddress,
    _ flags: [String: String] = [:],
    logger: Logger = .silent,
    _ body: (TestWorker) async throws -> Result
  ) async throws -> Result {
    try await with(flags.merging(["kvstores": "\(address)"]) { $1 }, logger: logger) {
      $0.store.cluster.connectTimeout = .seconds(25)
      $0.store.cluster.stallTimeout = .seconds(25)
      $0.store.cluster.putTimeout = .seconds(25)
    } _: { worker in
      try await body(worker)
    }
  }

  /// Runs `body` with a worker on a store that behaves as told.
  static func with<Result: Sendable>(
    _ store: FakeStore,
    _ flags: [String: String] = [:],
    _ body: (TestWorker) async throws -> Result
  ) async throws -> Result {
    try await withServer([FakeBlockService(store: store)]) { _, address in
      try await with(storeAt: address, flags, body)
    }
  }
}
