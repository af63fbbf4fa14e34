import GRPCCore
import GRPCCoreTransport
import Synchronization
import Testing

@Suite struct MessageLimitTests {
  private static let kinds = [EchoService.unary, EchoService.chat]

  @Test(arguments: kinds)
  func aServerRefusesLargeRequests(method: MethodDescriptor) async throws {
    var configuration = CoreServerConfiguration()
    configuration.maximumReceiveMessageBytes = 1000
    try await withServer(serverConfiguration: configuration) { client, _ in
      let fits = [UInt8](repeating: 1, count: 1000)
      #expect(try await client.exchange([fits], with: method).messages == [fits])
      let error = try await rpcError { try await client.exchange([fits + [1]], with: method) }
      #expect(error.code == .resourceExhausted)
    }
  }

  @Test(arguments: kinds)
  func aClientRefusesLargeResponses(method: MethodDescriptor) async throws {
    var configuration = CoreClientConfiguration()
    configuration.maximumReceiveMessageBytes = 1000
    try await withServer(clientConfiguration: configuration) { client, _ in
      let fits = [UInt8](repeating: 1, count: 1000)
      #expect(try await client.exchange([fits], with: method).messages == [fits])
      let error = try await rpcError { try await client.exchange([fits + [1]], with: method) }
      #expect(error.code == .resourceExhausted)
    }
  }

  @Test(arguments: kinds)
  func aClientRefusesToSendLargeRequests(method: MethodDescriptor) async throws {
    var configuration = CoreClientConfiguration()
    configuration.maximumSendMessageBytes = 1000
    try await withServer(clientConfiguration: configuration) { client, _ in
      let fits = [UInt8](repeating: 1, count: 1000)
      #expect(try await client.exchange([fits], with: method).messages == [fits])
      let error = try await rpcError { try await client.exchange([fits + [1]], with: method) }
      #expect(error.code == .resourceExhausted)
    }
  }

  @Test(arguments: kinds)
  func aServerRefusesToSendLargeResponses(method: MethodDescriptor) async throws {
    var configuration = CoreServerConfiguration()
    configuration.maximumSendMessageBytes = 1000
    try await withServer(serverConfiguration: configuration) { client, _ in
      let fits = [UInt8](repeating: 1, count: 1000)
      #expect(try await client.exchange([fits], with: method).messages == [fits])
      let error = try await rpcError { try await client.exchange([fits + [1]], with: method) }
      #expect(error.code == .resourceExhausted)
    }
  }

  @Test(arguments: kinds)
  func callOptionsLimitOneCall(method: MethodDescriptor) async throws {
    try await withServer { client, _ in
      let message = [UInt8](repeating: 1, count: 1001)
      var request = CallOptions.defaults
      request.maxRequestMessageBytes = 1000
      var response = CallOptions.defaults
      response.maxResponseMessageBytes = 1000
      for options in [request, response] {
        let error = try await rpcError {
          try await client.exchange([message], with: method, options: options)
        }
        #expect(error.code == .resourceExhausted)
        #expect(error.message.contains("1001"))
      }
      #expect(try await client.exchange([message], with: method).messages == [message])
    }
  }

  @Test func aServerRefusesLargeMetadata() async throws {
    var configuration = CoreServerConfiguration()
    configuration.maximumMetadataBytes = 2000
    try await withServer(serverConfiguration: configuration) { client, _ in
      let fits: Metadata = ["x-word": "\(String(repeating: "v", count: 1000))"]
      _ = try await client.exchange([[1]], with: EchoService.unary, metadata: fits)
      let exceeds: Metadata = ["x-word": "\(String(repeating: "v", count: 3000))"]
      let error = try await rpcError {
        try await client.exchange([[1]], with: EchoService.unary, metadata: exceeds)
      }
      #expect(error.code == .resourceExhausted)
    }
  }

  @Test func aServerLimitsTheCallsOfAConnection() async throws {
    var configuration = CoreServerConfiguration()
    configuration.maximumConcurrentStreams = 3
    let running = Running()
    try await withServer(
      serverConfiguration: configuration,
      register: { router in
        router.handleStream(EchoService.unary) { _, _ in
          running.begin()
          for _ in 0..<20 { await Task.yield() }
          running.end()
          return StreamingServerResponse(single: ServerResponse(message: []))
        }
      }
    ) { client, _ in
      // The limit holds once the client has the server's settings.
      _ = try await client.answer(to: [])
      try await withThrowingTaskGroup(of: Void.self) { group in
        for _ in 0..<50 {
          group.addTask { _ = try await client.answer(to: []) }
        }
        try await group.waitForAll()
      }
    }
    #expect((2...3).contains(running.most))
  }

  /// How many handlers run, and how many ran at most.
  private final class Running: Sendable {
    private let counts = Mutex((now: 0, most: 0))

    var most: Int { counts.withLock { $0.most } }

    func begin() {
      counts.withLock { counts in
        counts.now += 1
        counts.most = max(counts.most, counts.now)
      }
    }

    func end() {
      counts.withLock { $0.now -= 1 }
    }
  }

  @Test func theDefaultLimitIs64MiB() {
    #expect(CoreServerConfiguration().maximumReceiveMessageBytes == 64 << 20)
    #expect(CoreClientConfiguration().maximumReceiveMessageBytes == 64 << 20)
  }
}
