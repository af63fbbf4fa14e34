import GRPCCore
import GRPCCoreTransport
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

  @Test func theDefaultLimitIs64MiB() {
    #expect(CoreServerConfiguration().maximumReceiveMessageBytes == 64 << 20)
    #expect(CoreClientConfiguration().maximumReceiveMessageBytes == 64 << 20)
  }
}
