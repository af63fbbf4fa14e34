import GRPCCore
import GRPCCoreTransport
import Glibc
import Testing

@Suite struct BindingTests {
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
}
