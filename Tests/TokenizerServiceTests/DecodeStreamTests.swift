import GRPCCore
import MeshProtos
import ServiceTesting
import SwiftProtobuf
import Testing

@Suite("A decode stream")
struct DecodeStreamTests {
  private typealias Request = Weft_Tokenizer_V1_DecodeRequest
  private typealias Response = Weft_Tokenizer_V1_DecodeResponse

  private static func open(stop: [String] = [], specialTokens: Bool = false) -> Request {
    .with {
      $0.open = .with {
        $0.stop = stop
        $0.includeSpecialTokens = specialTokens
      }
    }
  }

  private static func tokens(_ ids: [UInt32]) -> Request {
    .with { $0.tokens = .with { $0.ids = ids } }
  }

  private static func decode(
    _ requests: [Request],
    _ client: TokenizerClient
  ) async throws -> [Response] {
    try await client.decode(options: .bounded) { writer in
      for request in requests { try await writer.write(request) }
    } onResponse: { response in
      try await response.messages.reduce(into: []) { $0.append($1) }
    }
  }

  private static func encode(_ text: String, _ client: TokenizerClient) async throws -> [UInt32] {
    try await client.encode(.with { $0.text = text }, options: .bounded).tokenIds
  }

  @Test("gives whole characters, and all of them, when they are split over tokens")
  func multiByteCharacters() async throws {
    let text = "naïve 🦙🏽 日本語 \u{10FFFF}e\u{301} \u{20AC}"
    let (ids, responses) = try await withTokenizer { client in
      let ids = try await Self.encode(text, client)
      return (ids, try await Self.decode([Self.open()] + ids.map { Self.tokens([$0]) }, client))
    }
    #expect(responses.count == ids.count + 1)
    #expect(responses.dropLast().map(\.tokenIds) == ids.map { [$0] })
    #expect(responses.last?.tokenIds == [])
    #expect(responses.map(\.text).joined().unicodeScalars.elementsEqual(text.unicodeScalars))
    #expect(!responses.contains { $0.text.contains("\u{FFFD}") })
    #expect(responses.dropLast().contains { $0.text.isEmpty }, "no character was split")
  }

  @Test("gives what a broken character is replaced by at its end")
  func brokenCharacter() async throws {
    let responses = try await withTokenizer { client in
      let ids = try await Self.encode("🦙", client)
      #expect(ids.count > 1)
      return try await Self.decode([Self.open(), Self.tokens([ids[0]])], client)
    }
    #expect(responses.map(\.text).joined() == "\u{FFFD}")
  }

  @Test("ends its text where a stop string begins, even one split over tokens")
  func stopStrings() async throws {
    let responses = try await withTokenizer { client in
      let ids = try await Self.encode("The capital of France is Paris.", client)
      return try await Self.decode(
        [Self.open(stop: ["nowhere", "tal of Fr"])] + ids.map { Self.tokens([$0]) },
        client
      )
    }
    #expect(responses.map(\.text).joined() == "The capi")
    #expect(responses.last?.matchedStop == "tal of Fr")
    #expect(responses.first?.hasMatchedStop == false)
  }

  @Test("gives the beginning of a stop string that did not come after all")
  func unfinishedStop() async throws {
    let responses = try await withTokenizer { client in
      let ids = try await Self.encode("The capital", client)
      return try await Self.decode([Self.open(stop: ["capital of"]), Self.tokens(ids)], client)
    }
    #expect(responses.map(\.text) == ["The ", "capital"])
    #expect(!responses.contains { $0.hasMatchedStop })
  }

  @Test("shows control tokens only if it is told to")
  func specialTokens() async throws {
    let (hidden, shown) = try await withTokenizer { client in
      (
        try await Self.decode([Self.open(), Self.tokens([2])], client),
        try await Self.decode([Self.open(specialTokens: true), Self.tokens([2])], client)
      )
    }
    #expect(hidden.map(\.text).joined() == "")
    #expect(shown.map(\.text).joined() == "<|im_end|>")
  }

  @Test("refuses what is wrong by the field's name")
  func refused() async throws {
    let wrong: [(String, [Request])] = [
      ("open", []),
      ("open", [Self.tokens([1])]),
      ("open", [Self.open(), Self.open()]),
      ("open", [Self.open(), Self.tokens([1]), Self.open()]),
      ("step", [Request()]),
      ("step", [Self.open(), Request()]),
      ("token_ids", [Self.open(), Self.tokens([49152])]),
      ("token_ids", [Self.open(), Self.tokens([1, .max])]),
      ("tokens.ids", [Self.open(), Self.tokens([UInt32](repeating: 1, count: 65_537))]),
      ("stop", [Self.open(stop: [""])]),
      ("stop", [Self.open(stop: [String](repeating: "s", count: 17))]),
      ("stop", [Self.open(stop: [String(repeating: "s", count: 257)])]),
      ("model", [.with { $0.open = .with { $0.model = "other" } }]),
    ]
    let errors = try await withTokenizer { client in
      var errors: [RPCError] = []
      for (_, requests) in wrong {
        errors.append(try await rpcError { try await Self.decode(requests, client) })
      }
      return errors
    }
    for ((field, requests), error) in zip(wrong, errors) {
      #expect(
        error.code == (field == "model" ? .notFound : .invalidArgument),
        "\(requests): \(error)"
      )
      #expect(error.message.contains(field), "\(requests): \(error)")
      #expect(error.violatedFields.count == 1, "\(requests): \(error)")
    }
  }
}
