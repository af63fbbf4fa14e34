import GRPCCore
import GRPCCoreTransport
import Testing

@Suite struct ConnectionTests {
  @Test func aRefusedConnectionIsUnavailable() async throws {
    try await withReleasedExecutor { executor in
      let address = TransportAddress.unix(path: uniqueSocketPath())
      try await withGRPCClient(
        transport: CoreClientTransport(address: address, executor: executor)
      ) { client in
        for method in [EchoService.unary, EchoService.chat] {
          let error = try await rpcError { try await client.exchange([[1]], with: method) }
          #expect(error.code == .unavailable)
        }
      }
    }
  }

  @Test func waitForReadyWaitsForTheServer() async throws {
    let address = TransportAddress.unix(path: uniqueSocketPath())
    try await withReleasedExecutor { executor in
      var router = Router()
      EchoService.register(in: &router)
      let server = GRPCServer(
        transport: CoreServerTransport(address: address, executor: executor),
        router: router
      )
      try await withGRPCClient(
        transport: CoreClientTransport(address: address, executor: executor)
      ) { client in
        let error = try await rpcError { try await client.answer(to: [1]) }
        #expect(error.code == .unavailable)

        var options = CallOptions.defaults
        options.waitForReady = true
        try await withThrowingTaskGroup { [options] group in
          group.addTask {
            let response = try await client.unary([1], options: options)
            #expect(try response.message == [1])
            server.beginGracefulShutdown()
          }
          group.addTask { try await server.serve() }
          try await group.waitForAll()
        }
      }
    }
  }

  @Test func aConnectionThatIsAskedForDoesNotWaitForCoresBackoff() async throws {
    let address = TransportAddress.unix(path: uniqueSocketPath())
    var configuration = CoreClientConfiguration()
    configuration.initialReconnectBackoff = .seconds(3600)
    configuration.maximumReconnectBackoff = .seconds(3600)
    try await withReleasedExecutor { executor in
      let client = CoreClientTransport(
        address: address,
        configuration: configuration,
        executor: executor
      )
      #expect(await !client.isConnected(within: .milliseconds(50)))
      let server = GRPCServer(
        transport: CoreServerTransport(address: address, executor: executor),
        router: Router()
      )
      try await withThrowingDiscardingTaskGroup { group in
        group.addTask { try await server.serve() }
        _ = try await server.transport.listeningAddress
        #expect(await client.isConnected(within: .seconds(60)))
        #expect(await client.isConnected(within: .zero))
        client.beginGracefulShutdown()
        #expect(await !client.isConnected(within: .seconds(60)))
        server.beginGracefulShutdown()
      }
    }
  }

  @Test func aClientReconnectsToARestartedServer() async throws {
    let address = TransportAddress.unix(path: uniqueSocketPath())
    try await withReleasedExecutor { executor in
      var router = Router()
      EchoService.register(in: &router)
      try await withGRPCClient(
        transport: CoreClientTransport(address: address, executor: executor)
      ) { [router] client in
        var options = CallOptions.defaults
        options.waitForReady = true
        for round in 0..<3 {
          let transport = CoreServerTransport(address: address, executor: executor)
          let server = GRPCServer(transport: transport, router: router)
          try await withThrowingDiscardingTaskGroup { [options] group in
            group.addTask { try await server.serve() }
            _ = try await transport.listeningAddress
            let response = try await client.unary([UInt8(round)], options: options)
            #expect(try response.message == [UInt8(round)])
            server.beginGracefulShutdown()
          }
        }
      }
    }
  }

  @Test func grpcSwiftsRetryPolicySeesAnUnavailableServer() async throws {
    let address = TransportAddress.unix(path: uniqueSocketPath())
    var configuration = CoreClientConfiguration()
    configuration.initialReconnectBackoff = .milliseconds(20)
    configuration.serviceConfig = ServiceConfig(methodConfig: [
      MethodConfig(
        names: [MethodConfig.Name(service: "")],
        executionPolicy: .retry(
          RetryPolicy(
            maxAttempts: 5,
            initialBackoff: .milliseconds(50),
            maxBackoff: .milliseconds(200),
            backoffMultiplier: 2,
            retryableStatusCodes: [.unavailable]
          )
        )
      )
    ])
    try await withReleasedExecutor { executor in
      var router = Router()
      EchoService.register(in: &router)
      let server = GRPCServer(
        transport: CoreServerTransport(address: address, executor: executor),
        router: router
      )
      try await withGRPCClient(
        transport: CoreClientTransport(
          address: address,
          configuration: configuration,
          executor: executor
        )
      ) { client in
        let error = try await rpcError { try await client.answer(to: [1]) }
        #expect(error.code == .unavailable)
        #expect(Array(error.metadata[stringValues: "grpc-previous-rpc-attempts"]) == ["4"])
        try await withThrowingDiscardingTaskGroup { group in
          group.addTask { try await server.serve() }
          _ = try await server.transport.listeningAddress
          var options = CallOptions.defaults
          options.waitForReady = true
          #expect(try await client.answer(to: [2], options: options) == [2])
          server.beginGracefulShutdown()
        }
      }
    }
  }

  @Test func namesAreResolved() async throws {
    try await withServer { _, server in
      guard case .tcp(_, let port) = try await server.transport.listeningAddress else { return }
      try await withReleasedExecutor { executor in
        try await withGRPCClient(
          transport: CoreClientTransport(
            address: .tcp(host: "localhost", port: port),
            executor: executor
          )
        ) { client in
          try await expectEcho(from: client)
        }
        try await withGRPCClient(
          transport: CoreClientTransport(target: "ipv4:127.0.0.1:\(port)", executor: executor)
        ) { client in
          try await expectEcho(from: client)
        }
      }
    }
  }

  /// Core's own service configuration takes effect: round robin instead of the first address.
  @Test func roundRobinSpreadsCallsOverServers() async throws {
    let counts = [Counter(), Counter()]
    func register(_ count: Counter) -> (inout Router) -> Void {
      { router in
        router.handleStream(EchoService.unary) { _, _ in
          count.increment()
          return StreamingServerResponse(single: ServerResponse(message: []))
        }
      }
    }
    try await withServer(register: register(counts[0])) { _, first in
      try await withServer(register: register(counts[1])) { _, second in
        let addresses = [
          try await first.transport.listeningAddress, try await second.transport.listeningAddress,
        ]
        var configuration = CoreClientConfiguration()
        configuration.coreServiceConfigJSON = #"{"loadBalancingConfig": [{"round_robin": {}}]}"#
        let target = "ipv4:" + addresses.map(\.description).joined(separator: ",")
        try await withReleasedExecutor { executor in
          try await withGRPCClient(
            transport: CoreClientTransport(
              target: target,
              configuration: configuration,
              executor: executor
            )
          ) { client in
            // The second connection may take longer than the first.
            var calls = 0
            while calls < 10_000, counts.contains(where: { $0.value < 20 }) {
              calls += 1
              _ = try await client.answer(to: [])
            }
          }
        }
      }
    }
    #expect(counts.allSatisfy { $0.value >= 20 })
  }
}
