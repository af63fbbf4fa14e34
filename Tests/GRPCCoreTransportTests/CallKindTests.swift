import GRPCCore
import GRPCCoreTransport
import Testing

@Suite struct CallKindTests {
  @Test(arguments: Network.allCases)
  func unaryReturnsTheMessage(network: Network) async throws {
    try await withServer(on: network.makeAddress()) { client, _ in
      let response = try await client.unary([1, 2, 3])
      #expect(try response.message == [1, 2, 3])
    }
  }

  @Test(arguments: Network.allCases)
  func clientStreamingCollectsEveryMessage(network: Network) async throws {
    try await withServer(on: network.makeAddress()) { client, _ in
      let messages = (0..<100).map { [UInt8($0), UInt8($0)] }
      let exchange = try await client.exchange(messages, with: EchoService.collect)
      #expect(exchange.messages == [messages.flatMap(\.self)])
    }
  }

  @Test(arguments: Network.allCases)
  func serverStreamingDeliversInOrder(network: Network) async throws {
    try await withServer(on: network.makeAddress()) { client, _ in
      let exchange = try await client.exchange([Array(0..<200)], with: EchoService.expand)
      #expect(exchange.messages == (0..<200).map { [$0] })
    }
  }

  @Test(arguments: Network.allCases)
  func bidirectionalStreamingEchoesEachMessage(network: Network) async throws {
    try await withServer(on: network.makeAddress()) { client, _ in
      let messages = (0..<100).map { [UInt8](repeating: UInt8($0), count: $0 * 50) }
      let exchange = try await client.exchange(messages, with: EchoService.chat)
      #expect(exchange.messages == messages)
    }
  }

  @Test func bidirectionalStreamingAnswersBeforeTheRequestEnds() async throws {
    try await withServer { client, _ in
      let (answers, next) = AsyncStream<Void>.makeStream()
      let count = try await client.stream(EchoService.chat) { writer in
        var turns = answers.makeAsyncIterator()
        for turn in 0..<20 {
          try await writer.write([UInt8(turn)])
          _ = await turns.next()
        }
      } consume: { response in
        var count = 0
        for try await message in response.messages {
          #expect(message == [UInt8(count)])
          count += 1
          next.yield()
        }
        return count
      }
      #expect(count == 20)
    }
  }

  /// Methods registered without their kind take the general path.
  @Test func methodsOfUnknownKindWork() async throws {
    let untyped = MethodDescriptor(service: EchoService.service, method: "Untyped")
    try await withServer(register: { router in
      router.handleStream(untyped) { request, _ in
        StreamingServerResponse { writer in
          for try await message in request.messages { try await writer.write(message) }
          return [:]
        }
      }
    }) { client, _ in
      let exchange = try await client.exchange([[1], [2], [3]], with: untyped)
      #expect(exchange.messages == [[1], [2], [3]])
    }
  }

  @Test(arguments: [0, 1, 23, 24, 16 << 10, (4 << 20) + 1, 32 << 20])
  func messagesOfEverySizeArriveWhole(count: Int) async throws {
    try await withServer { client, _ in
      let message = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31) }
      let response = try await client.unary(message)
      #expect(try response.message == message)
    }
  }

  @Test func emptyStreamsAreComplete() async throws {
    try await withServer { client, _ in
      let chat = try await client.exchange([], with: EchoService.chat)
      #expect(chat.messages.isEmpty)
      let collect = try await client.exchange([], with: EchoService.collect)
      #expect(collect.messages == [[]])
      let expand = try await client.exchange([[]], with: EchoService.expand)
      #expect(expand.messages.isEmpty)
    }
  }

  @Test func manyCallsShareOneConnection() async throws {
    try await withServer { client, _ in
      try await withThrowingTaskGroup { group in
        for index in 0..<500 {
          group.addTask {
            let message = [UInt8](repeating: UInt8(index % 256), count: index)
            let response = try await client.unary(message)
            #expect(try response.message == message)
          }
        }
        try await group.waitForAll()
      }
    }
  }

  @Test func anUnknownMethodIsUnimplemented() async throws {
    try await withServer { client, _ in
      let method = MethodDescriptor(fullyQualifiedService: "no.Such", method: "Thing", type: .unary)
      let error = try await rpcError { try await client.answer(to: [1], method) }
      #expect(error.code == .unimplemented)
    }
  }
}
