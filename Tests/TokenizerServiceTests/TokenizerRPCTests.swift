import GRPCCore
import GRPCCoreTransport
import MeshProtos
import ServiceTesting
import SwiftProtobuf
import TestSupport
import Testing
import TokenizerService

typealias TokenizerClient = Weft_Tokenizer_V1_TokenizerService.Client<CoreClientTransport>

/// Runs `body` with a client of a tokenizer service on the default model.
func withTokenizer<Result: Sendable>(
  _ body: (TokenizerClient) async throws -> Result
) async throws -> Result {
  let reader = try await settings(["model": DefaultModel.path])
  let tokenizer = try TokenizerServer(
    settings: try await TokenizerSettings(reader),
    logger: .silent
  )
  return try await withRunning(tokenizer.server) { client in
    try await body(TokenizerClient(wrapping: client))
  }
}

@Suite("The tokenizer's unary calls")
struct TokenizerRPCTests {
  @Test("describe the model")
  func describe() async throws {
    let model = try await withTokenizer { try await $0.describeModel(.init(), options: .bounded) }
    #expect(model.model == DefaultModel.name)
    #expect(model.vocabularySize == 49152)
    #expect(model.hasChatTemplate_p)
    #expect(model.endTokenIds.contains(2))
    #expect(model.endTokenIds == model.endTokenIds.sorted())
  }

  @Test("encode prompts as llama.cpp does")
  func encode() async throws {
    let prompts = try GoldenPrompt.all()
    let encoded = try await withTokenizer { client in
      var encoded: [[UInt32]] = []
      for prompt in prompts {
        let response = try await client.encode(
          .with {
            $0.text = prompt.text
            $0.parseSpecialTokens = true
          },
          options: .bounded
        )
        encoded.append(response.tokenIds)
      }
      return encoded
    }
    #expect(encoded == prompts.map(\.tokenIDs))
  }

  @Test("take control tokens for text unless they are told otherwise")
  func specialTokens() async throws {
    let (text, control) = try await withTokenizer { client in
      let text = try await client.encode(.with { $0.text = "<|im_end|>" }, options: .bounded)
      let control = try await client.encode(
        .with {
          $0.text = "<|im_end|>"
          $0.parseSpecialTokens = true
        },
        options: .bounded
      )
      return (text.tokenIds, control.tokenIds)
    }
    #expect(control == [2])
    #expect(text.count > 1)
    #expect(!text.contains(2))
  }

  @Test("long texts, which have a thread of their own, give the same ids as short ones")
  func longText() async throws {
    let (short, long) = try await withTokenizer { client in
      let short = try await client.encode(.with { $0.text = " word" }, options: .bounded)
      let long = try await client.encode(
        .with { $0.text = String(repeating: " word", count: 10_000) },
        options: .bounded
      )
      return (short.tokenIds, long.tokenIds)
    }
    #expect(short.count == 1)
    #expect(long == Array(repeating: short[0], count: 10_000))
  }

  @Test("the chat template makes llama.cpp's prompts of conversations")
  func chatTemplate() async throws {
    let prompts = try GoldenPrompt.all().filter { $0.messages != nil }
    #expect(prompts.count == 3)
    let made = try await withTokenizer { client in
      var made: [Weft_Tokenizer_V1_ApplyChatTemplateResponse] = []
      for prompt in prompts {
        let messages = (prompt.messages ?? []).map { message in
          Weft_Types_V1_ChatMessage.with {
            $0.role = message.role
            $0.content = message.content
          }
        }
        made.append(
          try await client.applyChatTemplate(.with { $0.messages = messages }, options: .bounded)
        )
      }
      return made
    }
    #expect(made.map(\.text) == prompts.map(\.text))
    #expect(made.map(\.tokenIds) == prompts.map(\.tokenIDs))
  }

  @Test("the assistant's turn is not begun if it is to be left out")
  func noGenerationPrompt() async throws {
    let text = try await withTokenizer { client in
      try await client.applyChatTemplate(
        .with {
          $0.messages = [.with { $0.role = "user" }]
          $0.omitGenerationPrompt = true
        },
        options: .bounded
      ).text
    }
    #expect(text.hasSuffix("<|im_start|>user\n<|im_end|>\n"))
  }

  @Test("refuse what is wrong by the field's name")
  func refused() async throws {
    let oversize = String(repeating: "a", count: (4 << 20) + 1)
    let errors = try await withTokenizer { client in
      func encode(_ request: Weft_Tokenizer_V1_EncodeRequest) async throws -> RPCError {
        try await rpcError { try await client.encode(request, options: .bounded) }
      }
      func apply(
        _ model: String,
        _ messages: [(role: String, content: String)]
      ) async throws -> RPCError {
        let request = Weft_Tokenizer_V1_ApplyChatTemplateRequest.with {
          $0.model = model
          $0.messages = messages.map { message in
            .with {
              $0.role = message.role
              $0.content = message.content
            }
          }
        }
        return try await rpcError { try await client.applyChatTemplate(request, options: .bounded) }
      }
      return [
        ("model", try await encode(.with { $0.model = "other" })),
        ("text", try await encode(.with { $0.text = oversize })),
        ("model", try await apply("other", [("user", "a")])),
        ("messages", try await apply("", [])),
        ("messages", try await apply("", Array(repeating: ("user", ""), count: 4097))),
        ("messages", try await apply("", [("user", oversize)])),
        ("messages[1].role", try await apply("", [("user", "a"), ("", "b")])),
        ("messages[0].role", try await apply("", [(String(repeating: "r", count: 65), "a")])),
      ]
    }
    for (field, error) in errors {
      #expect(error.code == (field == "model" ? .notFound : .invalidArgument), "\(field): \(error)")
      #expect(error.violatedFields == [field], "\(error)")
    }
  }
}
