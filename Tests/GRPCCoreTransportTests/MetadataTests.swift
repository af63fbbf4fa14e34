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
