import Foundation
import MeshTypes
import ModelFiles
import TestSupport
import Testing
import Tokenization
import TokenizerFiles
import TokenizerService

@Suite("Vocabularies in GGUF files")
struct TokenizerDescriptionGGUFTests {
  /// Four tokens of structure, a space, letters and what they join to, and all bytes.
  private static func pairs(
    model: String = "llama",
    other: [(key: String, value: GGUFValue)] = []
  ) -> [(key: String, value: GGUFValue)] {
    let pieces: [(String, Float)] = [
      ("▁", -5), ("a", -6), ("b", -7), ("ab", -1), ("▁ab", -2), ("▁a", -3),
    ]
    let bytes = (0..<256).map { byte in
      let hex = String(byte, radix: 16, uppercase: true)
      return "<0x\(hex.count < 2 ? "0" : "")\(hex)>"
    }
    let special = ["<unk>", "<s>", "</s>", "<|end|>"]
    return [
      ("tokenizer.ggml.model", .string(model)),
      ("tokenizer.ggml.tokens", .array(.string(special + bytes + pieces.map(\.0)))),
      (
        "tokenizer.ggml.scores",
        .array(.float32(Array(repeating: 0, count: 260) + pieces.map(\.1)))
      ),
      (
        "tokenizer.ggml.token_type",
        .array(
          .int32(
            [2, 3, 3, 3] + Array(repeating: 6, count: 256) + Array(repeating: 1, count: 6)
          )
        )
      ),
    ] + other
  }

  private func tokenizer(_ pairs: [(key: String, value: GGUFValue)]) throws -> Tokenizer {
    try Tokenizer(TokenizerDescription(GGUFMetadata(pairs)))
  }

  private func tokens(_ text: String, _ tokenizer: Tokenizer) -> [String] {
    tokenizer.encode(
      text,
      specialTokens: .recognised,
      addsBeginOfSequence: tokenizer.addsBeginOfSequence
    ).map { tokenizer.token(of: $0)! }
  }

  @Test("SentencePiece's custom where the file says nothing: a space in front, <s>, 0, 1 and 2")
  func customs() throws {
    let tokenizer = try tokenizer(Self.pairs())
    #expect(tokenizer.beginOfSequence == 1)
    #expect(tokenizer.endOfSequence == 2)
    #expect(tokenizer.unknown == 0)
    #expect(tokens("ab", tokenizer) == ["<s>", "▁ab"])
    #expect(tokens("abé", tokenizer) == ["<s>", "▁ab", "<0xC3>", "<0xA9>"])
    #expect(try tokenizer.decode([264, 199, 173], skipsSpecialTokens: true) == "abé")
  }

  @Test("No space in front where the file says so")
  func withoutPrefix() throws {
    let tokenizer = try tokenizer(
      Self.pairs(other: [
        ("tokenizer.ggml.add_space_prefix", .boolean(false)),
        ("tokenizer.ggml.add_bos_token", .boolean(false)),
      ])
    )
    #expect(tokens("ab ab", tokenizer) == ["ab", "▁ab"])
    #expect(try tokenizer.decode([264], skipsSpecialTokens: true) == " ab")
  }

  @Test("Control tokens and bytes are no text, whatever their texts")
  func plainText() throws {
    let tokenizer = try tokenizer(Self.pairs())
    let ids = tokenizer.encode("<s><0x0A>", specialTokens: .plainText, addsBeginOfSequence: false)
    #expect(!ids.contains(1))
    #expect(!ids.contains(4 + 0x0A))
    #expect(try tokenizer.decode(ids, skipsSpecialTokens: true) == "<s><0x0A>")
  }

  @Test("Phi 3's markers swallow the space behind them, by the model's name")
  func phi3() throws {
    let named = Self.pairs(other: [("general.name", .string("Phi-3 Mini"))])
    #expect(tokens("<|end|> \n ab", try tokenizer(named)) == ["<s>", "<|end|>", "▁ab"])
    #expect(
      tokens("<|end|> ab", try tokenizer(Self.pairs())) == ["<s>", "<|end|>", "▁", "▁ab"]
    )
  }

  @Test("Unigram takes the tokens of the greatest sum, and no <s>")
  func unigram() throws {
    let tokenizer = try tokenizer(Self.pairs(model: "t5"))
    #expect(tokens("aab", tokenizer) == ["a", "ab"])
    let prefixed = try self.tokenizer(
      Self.pairs(
        model: "t5",
        other: [
          ("tokenizer.ggml.add_space_prefix", .boolean(true)),
          ("tokenizer.ggml.remove_extra_whitespaces", .boolean(true)),
        ]
      )
    )
    #expect(tokens("  ab   a ", prefixed) == ["▁ab", "▁a"])
  }

  @Test("What is missing or not supported is named")
  func wrong() throws {
    let cases: [(pairs: [(key: String, value: GGUFValue)], field: String)] = [
      (Self.pairs(model: "bert"), "tokenizer.ggml.model"),
      (Self.pairs().filter { $0.key != "tokenizer.ggml.scores" }, "tokenizer.ggml.scores"),
      (
        Self.pairs(
          model: "t5",
          other: [("tokenizer.ggml.precompiled_charsmap", .array(.uint8([1])))]
        ),
        "tokenizer.ggml.precompiled_charsmap"
      ),
      (
        Self.pairs().filter { $0.key != "tokenizer.ggml.scores" } + [
          ("tokenizer.ggml.scores", .array(.float32([1])))
        ],
        "tokenizer.ggml.scores"
      ),
    ]
    for (pairs, field) in cases {
      let error = #expect(throws: MeshError.self) { try tokenizer(pairs) }
      #expect(error?.field == field, "\(String(describing: error))")
    }
  }

  private static let gemmaPath = "\(TestEnvironment.cache)/models/gemma-3-270m-q4_k_m.gguf"

  @Test(
    "Gemma 3's own file",
    .enabled(
      if: FileManager.default.fileExists(atPath: gemmaPath),
      "gemma-3-270m-q4_k_m.gguf is not in the cache"
    )
  )
  func gemma() throws {
    let tokenizer = try TokenizerModel(name: "gemma", path: Self.gemmaPath).tokenizer
    #expect(tokenizer.vocabularySize == 262_144)
    #expect(tokenizer.addsBeginOfSequence)
    let text = "<start_of_turn>user\nWhy is  the sky blue?\n\n日本 𓀀<end_of_turn>\n"
    let ids = tokenizer.encode(text, specialTokens: .recognised, addsBeginOfSequence: true)
    #expect(ids.first == 2)
    #expect(ids.contains(105) && ids.contains(106))
    #expect(try tokenizer.decode(ids.dropFirst(), skipsSpecialTokens: false) == text)
    #expect(tokenizer.endOfGenerationTokenIDs.contains(106))
  }
}
