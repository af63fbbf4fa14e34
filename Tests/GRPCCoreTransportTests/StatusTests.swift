import GRPCCore
import GRPCCoreTransport
import Testing

@Suite struct StatusTests {
  @Test(arguments: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16])
  func everyCodeArrivesWithItsMessage(code: UInt8) async throws {
    try await withServer { client, _ in
      let words = "Straße 100% \n\t日本 🙂 \"quoted\""
      let error = try await rpcError {
        try await client.answer(to: [code] + Array(words.utf8), EchoService.fail)
      }
      #expect(error.code.rawValue == Int(code))
      #expect(error.message == words)
      #expect(Array(error.metadata[stringValues: "t-word"]) == ["end"])
      #expect(Array(error.metadata[binaryValues: "t-raw-bin"]) == [[0, 255, 10, 13, 128]])
    }
  }

  @Test(arguments: [EchoService.unary, EchoService.chat])
  func initialMetadataArrivesBeforeAFailure(method: MethodDescriptor) async throws {
    try await withServer(register: { router in
      router.handleStream(method) { _, _ in
        StreamingServerResponse(metadata: ["x-word": "seen"]) { _ in
          throw RPCError(code: .notFound, message: "nothing there")
        }
      }
    }) { client, _ in
      let words = try await client.stream(method) { writer in
        try await writer.write([1])
      } consume: { response in
        let error = try await rpcError { for try await _ in response.messages {} }
        #expect(error.code == .notFound)
        return Array(response.metadata[stringValues: "x-word"])
      }
      #expect(words == ["seen"])
    }
  }

  @Test func messagesBeforeAFailureArrive() async throws {
    try await withServer(register: { router in
      router.handleStream(EchoService.expand) { _, _ in
        StreamingServerResponse { writer in
          for index in 0..<10 { try await writer.write([UInt8(index)]) }
          throw RPCError(code: .dataLoss, message: "the rest is gone")
        }
      }
    }) { client, _ in
      let received = try await client.stream(EchoService.expand) { writer in
        try await writer.write([1])
      } consume: { response in
        var received: [[UInt8]] = []
        do {
          for try await message in response.messages { received.append(message) }
          Issue.record("the stream ended without its error")
        } catch let error as RPCError {
          #expect(error.code == .dataLoss)
          #expect(error.message == "the rest is gone")
        }
        return received
      }
      #expect(received == (0..<10).map { [$0] })
    }
  }

  /// A server may answer before it has read the request; its status wins over the failed write.
  @Test func anEarlyStatusReachesAClientThatStillWrites() async throws {
    try await withServer(register: { router in
      router.handleStream(EchoService.collect) { request, _ in
        for try await _ in request.messages { break }
        throw RPCError(code: .permissionDenied, message: "no more of that")
      }
    }) { client, _ in
      for _ in 0..<20 {
        let error = try await rpcError {
          try await client.stream(EchoService.collect) { writer in
            while true { try await writer.write([UInt8](repeating: 1, count: 10_000)) }
          } consume: { response in
            for try await _ in response.messages {}
          }
        }
        #expect(error.code == .permissionDenied)
        #expect(error.message == "no more of that")
      }
    }
  }

  @Test func anErrorOfTheRequestCancelsTheCall() async throws {
    struct Unexpected: Error {}
    try await withServer { client, _ in
      let error = try await rpcError {
        try await client.stream(EchoService.collect) { writer in
          try await writer.write([1])
          throw Unexpected()
        } consume: { response in
          for try await _ in response.messages {}
        }
      }
      #expect(error.code == .unknown)
    }
  }
}
