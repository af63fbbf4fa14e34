import MeshTypes
import Testing
import Tokenization

@Suite("Bad tokenizer descriptions")
struct TokenizerDescriptionTests {
  /// Expects that building fails, names the key, and says why in words with `words`.
  private func expectRejection(
    of description: TokenizerDescription,
    naming key: String,
    saying words: String,
    code: MeshError.Code = .invalidArgument,
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    let error = #expect(throws: MeshError.self, sourceLocation: sourceLocation) {
      try Tokenizer(description)
    }
    #expect(error?.code == code, sourceLocation: sourceLocation)
    #expect(error?.field == key, sourceLocation: sourceLocation)
    #expect(
      error?.message.contains(words) == true,
      "\(String(describing: error))",
      sourceLocation: sourceLocation
    )
  }

  @Test("No tokens, and too many")
  func tokenCount() {
    var description = SmallVocabulary.description()
    description.tokens = []
    description.tokenTypes = []
    expectRejection(of: description, naming: "tokenizer.ggml.tokens", saying: "1...1048576")
    description.tokens = Array(
      repeating: "a",
      count: TokenizerDescription.maximumTokenCount + 1
    )
    expectRejection(of: description, naming: "tokenizer.ggml.tokens", saying: "1...1048576")
  }

  @Test("A token twice")
  func duplicateToken() {
    let description = SmallVocabulary.description(added: [("x", .normal)])
    expectRejection(of: description, naming: "tokenizer.ggml.tokens", saying: "repeats [120]")
  }

  @Test("Canonically equivalent tokens are different tokens")
  func equivalentTokens() throws {
    let tokenizer = try Tokenizer(
      SmallVocabulary.description(added: [("<\u{E9}>", .control), ("<e\u{301}>", .control)])
    )
    #expect(tokenizer.encode("<e\u{301}><\u{E9}>") == [257, 256])
    #expect(tokenizer.id(ofToken: "<e\u{301}>") == 257)
  }

  @Test("An empty token, and one beyond the limit")
  func tokenLength() throws {
    let limit = TokenizerDescription.maximumTokenLengthBytes
    for length in [0, limit + 1] {
      let text = String(repeating: "x", count: length)
      expectRejection(
        of: SmallVocabulary.description(added: [(text, .control)]),
        naming: "tokenizer.ggml.tokens",
        saying: "[256] must have 1...\(limit) bytes"
      )
    }
    let longest = String(repeating: "x", count: limit)
    #expect(
      try Tokenizer(SmallVocabulary.description(added: [(longest, .control)]))
        .encode("y" + longest) == [121, 256]
    )
  }

  @Test("Token types for other than all tokens")
  func tokenTypes() {
    var description = SmallVocabulary.description()
    description.tokenTypes.removeLast()
    expectRejection(of: description, naming: "tokenizer.ggml.token_type", saying: "has 255")
  }

  @Test("Merges of another form", arguments: ["ab", "a b c", " b", "a ", "a  b", "", " "])
  func mergeForm(_ merge: String) {
    var description = SmallVocabulary.description(merges: ["a b"])
    description.merges.append(merge)
    expectRejection(of: description, naming: "tokenizer.ggml.merges", saying: "[1]")
  }

  @Test("Merges of or into what is no token", arguments: ["a bc", "bc a", "b a"])
  func mergesOfUnknownTokens(_ merge: String) {
    var description = SmallVocabulary.description(merges: ["a b"])
    description.merges.append(merge)
    expectRejection(of: description, naming: "tokenizer.ggml.merges", saying: "must be tokens")
  }

  @Test("Too many merges")
  func mergeCount() {
    var description = SmallVocabulary.description(merges: ["a b"])
    description.merges = Array(
      repeating: "a b",
      count: TokenizerDescription.maximumMergeCount + 1
    )
    expectRejection(of: description, naming: "tokenizer.ggml.merges", saying: "at most 2097152")
  }

  @Test("Of a merge listed twice the first place counts")
  func repeatedMerge() throws {
    var description = SmallVocabulary.description(merges: ["a b", "b c"])
    description.merges.append("a b")
    #expect(try Tokenizer(description).tokens("abc") == ["ab", "c"])
  }

  @Test(
    "Special ids beyond the vocabulary",
    arguments: ["bos", "eos", "eot", "eom", "unknown", "padding"]
  )
  func specialIDs(_ name: String) {
    var description = SmallVocabulary.description()
    switch name {
    case "bos": description.beginOfSequence = 256
    case "eos": description.endOfSequence = 256
    case "eot": description.endOfTurn = 256
    case "eom": description.endOfMessage = 256
    case "unknown": description.unknown = .max
    default: description.padding = .max
    }
    expectRejection(
      of: description,
      naming: "tokenizer.ggml.\(name)_token_id",
      saying: "0..<256"
    )
  }

  @Test("A begin of sequence wanted but not named")
  func beginOfSequence() {
    var description = SmallVocabulary.description()
    description.addsBeginOfSequence = true
    expectRejection(
      of: description,
      naming: "tokenizer.ggml.add_bos_token",
      saying: "bos_token_id is absent"
    )
  }

  @Test("An unknown pre-tokenizer: the error lists the known ones")
  func preTokenizer() {
    let description = SmallVocabulary.description(preTokenizer: "gpt-5")
    for name in ["\"smollm\"", "\"gpt-2\"", "\"llama-bpe\"", "\"qwen2\"", "\"gpt-5\""] {
      expectRejection(
        of: description,
        naming: "tokenizer.ggml.pre",
        saying: name,
        code: .unimplemented
      )
    }
  }
}
