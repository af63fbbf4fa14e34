import GRPCCore
import GRPCCoreTransport
import Testing

@Suite struct MetadataTests {
  private static let request: Metadata = [
    "x-word": "plain text", "x-twice": "first", "x-twice": "second",
    "x-raw-bin": .binary([0, 1, 127, 128, 254, 255]), "x-empty-bin": .binary([]),
    "x-long": "\(String(repeating: "v", count: 4000))",
  ]

  @Test(arguments: [EchoService.unary, EchoService.collect, EchoService.expand, EchoService.chat])
  func everyKindCarriesMetadataBothWays(method: MethodDescriptor) async throws {
    try await withServer { client, _ in
      let exchange = try await client.exchange([[7]], with: method, metadata: Self.request)
      #expect(Set(exchange.initial.map(Pair.init)) == Set(Self.request.map(Pair.init)))
      #expect(exchange.initial.count == Self.request.count)
      #expect(Array(exchange.initial[stringValues: "x-twice"]) == ["first", "second"])
      #expect(Set(exchange.trailing.map(Pair.init)) == Set(EchoService.trailer.map(Pair.init)))
    }
  }

  @Test func keysAreLowercasedOnTheWire() async throws {
    try await withServer { client, _ in
      let response = try await client.unary([1], metadata: ["X-Mixed-Case": "kept"])
      #expect(Array(response.metadata[stringValues: "x-mixed-case"]) == ["kept"])
      #expect(response.metadata.contains { $0.key == "x-mixed-case" })
    }
  }

  @Test(arguments: [
    (key: "x-word", value: "line\nbreak"), (key: "x word", value: "v"), (key: "", value: "v"),
    (key: "x-grün", value: "v"), (key: "x-word", value: "grün"),
  ])
  func whatHTTP2CannotCarryIsRefused(key: String, value: String) async throws {
    var metadata = Metadata()
    metadata.addString(value, forKey: key)
    try await withServer { [metadata] client, _ in
      for method in [EchoService.unary, EchoService.chat] {
        let error = try await rpcError {
          try await client.exchange([[1]], with: method, metadata: metadata)
        }
        #expect(error.code == .invalidArgument)
        #expect(error.message.contains(key))
      }
    }
  }

  @Test func aStringUnderABinaryKeyIsRefused() async throws {
    try await withServer { client, _ in
      var metadata = Metadata()
      metadata.addString("word", forKey: "x-raw-bin")
      let error = try await rpcError { [metadata] in
        try await client.exchange([[1]], with: EchoService.unary, metadata: metadata)
      }
      #expect(error.code == .invalidArgument)
    }
  }

  @Test func unsendableMetadataOfAHandlerFailsTheCall() async throws {
    try await withServer(register: { router in
      router.handleStream(EchoService.chat) { _, _ in
        StreamingServerResponse(metadata: ["bad value": "x"]) { _ in [:] }
      }
      router.handleStream(EchoService.unary) { _, _ in
        StreamingServerResponse { _ in ["bad value": "x"] }
      }
    }) { client, _ in
      for method in [EchoService.unary, EchoService.chat] {
        let error = try await rpcError { try await client.exchange([[1]], with: method) }
        #expect(error.message.contains("bad value"))
      }
    }
  }

  private struct Pair: Hashable {
    let key: String
    let value: Metadata.Value

    init(_ element: Metadata.Element) {
      key = element.key
      value = element.value
    }
  }
}

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
