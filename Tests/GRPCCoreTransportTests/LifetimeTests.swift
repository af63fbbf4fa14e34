import GRPCCore
import GRPCCoreTransport
import Glibc
import Testing

@Suite struct LifetimeTests {
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

  // MARK: Binding

  @Test(arguments: Network.allCases)
  func anOccupiedAddressIsRefusedWithTheReason(network: Network) async throws {
    try await withServer(on: network.makeAddress()) { client, server in
      let address = try await server.transport.listeningAddress
      try await withReleasedExecutor { executor in
        let second = CoreServerTransport(address: address, executor: executor)
        async let refused = rpcError { try await second.listeningAddress }
        let error = try await rpcError { try await second.listen { _, _ in } }
        #expect(error.code == .unavailable)
        #expect(error.message == "Cannot listen on \(address): Address already in use.")
        #expect(try await refused == error)
      }
      try await expectEcho(from: client)
    }
  }

  @Test func aSocketOfADeadServerIsReplaced() async throws {
    let path = uniqueSocketPath()
    let stale = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    var name = sockaddr_un()
    name.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &name.sun_path) { $0.copyBytes(from: path.utf8) }
    let bound = withUnsafePointer(to: &name) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(stale, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    #expect(bound == 0)
    close(stale)
    try await withServer(on: .unix(path: path)) { client, _ in
      try await expectEcho(from: client)
    }
  }

  @Test func aPathThatIsTooLongIsRefused() async throws {
    try await withReleasedExecutor { executor in
      let path = "/tmp/" + String(repeating: "p", count: 103)
      let transport = CoreServerTransport(address: .unix(path: path), executor: executor)
      let error = try await rpcError { try await transport.listen { _, _ in } }
      #expect(error.message.contains("longer than 107 bytes"))
    }
  }

  @Test(arguments: [
    TransportAddress.tcp(host: "256.256.256.256", port: 1),
    .unix(path: "/no/such/directory/socket"),
  ])
  func anAddressThatDoesNotExistIsRefused(address: TransportAddress) async throws {
    try await withReleasedExecutor { executor in
      let transport = CoreServerTransport(address: address, executor: executor)
      let error = try await rpcError { try await transport.listen { _, _ in } }
      #expect(error.code == .unavailable)
      #expect(error.message.hasPrefix("Cannot listen on \(address): "))
    }
  }

  @Test(arguments: ["name with spaces", "50% %20 ü?#"])
  func unusualPathsWork(name: String) async throws {
    try await withServer(on: .unix(path: "\(uniqueSocketPath()) \(name)")) { client, _ in
      try await expectEcho(from: client)
    }
  }

  @Test func aServerListensOnSeveralAddresses() async throws {
    try await withReleasedExecutor { executor in
      var router = Router()
      EchoService.register(in: &router)
      let transport = CoreServerTransport(
        addresses: [Network.tcp.makeAddress(), Network.unix.makeAddress()],
        executor: executor
      )
      let server = GRPCServer(transport: transport, router: router)
      try await withThrowingDiscardingTaskGroup { group in
        group.addTask { try await server.serve() }
        for address in try await transport.listeningAddresses {
          try await withGRPCClient(
            transport: CoreClientTransport(address: address, executor: executor)
          ) { client in
            try await expectEcho(from: client)
          }
        }
        server.beginGracefulShutdown()
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

  @Test func handlersSeeTheAddresses() async throws {
    for network in Network.allCases {
      var configuration = CoreClientConfiguration()
      configuration.authority = "mesh.example"
      try await withServer(
        on: network.makeAddress(),
        clientConfiguration: configuration,
        register: { router in
          router.handleStream(EchoService.unary) { _, context in
            let specific = context.transportSpecific as? CoreServerContext
            let text = [context.remotePeer, context.localPeer, specific?.authority ?? "none"]
            return StreamingServerResponse(
              single: ServerResponse(message: Array(text.joined(separator: " ").utf8))
            )
          }
        }
      ) { client, server in
        let address = try await server.transport.listeningAddress
        let text = String(decoding: try await client.answer(to: [1]), as: UTF8.self)
        let parts = text.split(separator: " ", omittingEmptySubsequences: false)
        switch network {
        case .tcp:
          #expect(parts[0].hasPrefix("ipv4:127.0.0.1:"))
          #expect(parts[1] == "ipv4:\(address)")
        case .unix:
          #expect(parts[0].hasPrefix("unix:"))
          #expect(parts[1] == "\(address)")
        }
        #expect(parts[2] == "mesh.example")
      }
    }
  }

  // MARK: Shutdown

  @Test func gracefulShutdownLetsCallsFinish() async throws {
    let (starts, started) = AsyncStream<Void>.makeStream()
    let (finishes, finish) = AsyncStream<Void>.makeStream()
    try await withServer(register: { router in
      router.handleStream(EchoService.unary) { request, _ in
        started.yield()
        for await _ in finishes { break }
        return StreamingServerResponse(single: ServerResponse(message: [5]))
      }
    }) { client, server in
      async let response = client.unary([1])
      for await _ in starts { break }
      server.beginGracefulShutdown()
      let refused = try await rpcError { try await client.answer(to: [2]) }
      #expect(refused.code == .unavailable, "\(refused)")
      finish.yield()
      #expect(try await response.message == [5])
    }
  }

  @Test func theGracePeriodEndsCallsThatDoNotFinish() async throws {
    var configuration = CoreServerConfiguration()
    configuration.shutdownGracePeriod = .milliseconds(100)
    let (starts, started) = AsyncStream<Void>.makeStream()
    try await withServer(
      serverConfiguration: configuration,
      register: { router in
        router.handleStream(EchoService.hang) { _, context in
          started.yield()
          try await context.cancellation.cancelled
          throw RPCError(code: .aborted, message: "")
        }
      }
    ) { client, server in
      async let outcome = rpcError { try await client.answer(to: [1], EchoService.hang) }
      for await _ in starts { break }
      server.beginGracefulShutdown()
      let code = try await outcome.code
      #expect(code == .cancelled || code == .unavailable)
    }
  }

  @Test func aUnixSocketIsRemovedAtShutdown() async throws {
    let path = uniqueSocketPath()
    try await withServer(on: .unix(path: path)) { client, _ in
      try await expectEcho(from: client)
      #expect(access(path, F_OK) == 0)
    }
    #expect(access(path, F_OK) != 0)
  }

  @Test func aServerStoppedBeforeItStartsServesNothing() async throws {
    try await withReleasedExecutor { executor in
      let transport = CoreServerTransport(address: Network.tcp.makeAddress(), executor: executor)
      transport.beginGracefulShutdown()
      try await transport.listen { _, _ in }
      let error = try await rpcError { try await transport.listeningAddress }
      #expect(error.code == .unavailable)
    }
  }

  @Test func aClosedClientStartsNoCalls() async throws {
    try await withReleasedExecutor { executor in
      let transport = CoreClientTransport(address: Network.unix.makeAddress(), executor: executor)
      transport.beginGracefulShutdown()
      let error = try await rpcError {
        try await transport.withStream(descriptor: EchoService.unary, options: .defaults) { _, _ in
        }
      }
      #expect(error.code == .failedPrecondition)
      await #expect(throws: RPCError.self) { try await transport.connect() }
    }
  }

  @Test func aDrainingClientFinishesItsCalls() async throws {
    try await withServer { _, server in
      let address = try await server.transport.listeningAddress
      try await withReleasedExecutor { executor in
        let transport = CoreClientTransport(address: address, executor: executor)
        let received = try await transport.withStream(
          descriptor: EchoService.chat,
          options: .defaults
        ) { stream, _ in
          var received = 0
          try await stream.outbound.write(.metadata([:]))
          try await stream.outbound.write(.message(SliceBytes([1])))
          for try await part in stream.inbound {
            guard case .message = part else { continue }
            received += 1
            transport.beginGracefulShutdown()
            if received == 1 { try await stream.outbound.write(.message(SliceBytes([2]))) }
            if received == 2 { await stream.outbound.finish() }
          }
          return received
        }
        #expect(received == 2)
      }
    }
  }

  /// Writers that outlive their handler can do no harm.
  @Test func aWriterKeptBeyondTheHandlerFails() async throws {
    let (writers, keep) = AsyncStream<RPCWriter<[UInt8]>>.makeStream()
    try await withServer(register: { router in
      router.handleStream(EchoService.chat) { _, _ in
        StreamingServerResponse { writer in
          keep.yield(writer)
          return [:]
        }
      }
    }) { client, _ in
      _ = try await client.exchange([[1]], with: EchoService.chat)
      for await writer in writers {
        await #expect(throws: RPCError.self) { try await writer.write([1]) }
        break
      }
    }
  }
}
