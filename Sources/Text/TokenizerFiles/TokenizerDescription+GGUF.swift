package import MeshTypes
package import ModelFiles
package import Tokenization

extension TokenizerDescription {
  /// Reads the vocabulary from a GGUF file's `tokenizer.ggml.*` keys.
  ///
  /// - Throws: ``MeshError`` naming the key that is missing, mistyped or not supported.
  package init(_ metadata: GGUFMetadata) throws(MeshError) {
    let algorithm = try Self.algorithm(metadata)
    let isByteLevel = algorithm == .bytePairs
    let tokens = try metadata.strings("tokenizer.ggml.tokens")
    func tokenID(_ name: String, orElse custom: TokenID? = nil) throws(MeshError) -> TokenID? {
      try metadata.integerIfPresent("tokenizer.ggml.\(name)", in: 0...max(0, tokens.count - 1))
        .map { TokenID($0) } ?? custom.flatMap { $0 < tokens.count ? $0 : nil }
    }
    self.init(
      tokens: tokens,
      tokenTypes: try Self.tokenTypes(metadata),
      merges: isByteLevel ? try metadata.strings("tokenizer.ggml.merges") : [],
      preTokenizer: try metadata.stringIfPresent("tokenizer.ggml.pre") ?? "default",
      // SentencePiece's own custom, which files may leave out.
      beginOfSequence: try tokenID("bos_token_id", orElse: algorithm == .scoredPairs ? 1 : nil),
      endOfSequence: try tokenID("eos_token_id", orElse: Self.customaryEnd(algorithm)),
      endOfTurn: try tokenID("eot_token_id"),
      endOfMessage: try tokenID("eom_token_id"),
      unknown: try tokenID("unknown_token_id", orElse: Self.customaryUnknown(algorithm)),
      padding: try tokenID("padding_token_id"),
      addsBeginOfSequence: try metadata.booleanIfPresent("tokenizer.ggml.add_bos_token")
    )
    self.algorithm = algorithm
    if !isByteLevel { try readPieces(metadata) }
  }

  private static func algorithm(
    _ metadata: GGUFMetadata
  ) throws(MeshError) -> TokenizerAlgorithm {
    switch try metadata.string("tokenizer.ggml.model") {
    case "gpt2": return .bytePairs
    case "llama": return .scoredPairs
    case "t5": return .unigram
    case let other:
      throw MeshError(
        .unimplemented,
        "tokenizer.ggml.model must be \"gpt2\", \"llama\" or \"t5\", got \"\(other.prefix(100))\"",
        field: "tokenizer.ggml.model"
      )
    }
  }

  private static func customaryEnd(_ algorithm: TokenizerAlgorithm) -> TokenID? {
    switch algorithm {
    case .scoredPairs: 2
    case .unigram: 1
    case .bytePairs, .characterPairs: nil
    }
  }

  private static func customaryUnknown(_ algorithm: TokenizerAlgorithm) -> TokenID? {
    switch algorithm {
    case .scoredPairs: 0
    case .unigram: 2
    case .bytePairs, .characterPairs: nil
    }
  }

  private static func tokenTypes(_ metadata: GGUFMetadata) throws(MeshError) -> [TokenType] {
    let rawTypes = try metadata.integersIfPresent("tokenizer.ggml.token_type") ?? []
    return try rawTypes.enumerated().map { (index, raw) throws(MeshError) in
      guard let type = TokenType(rawValue: Int32(clamping: raw)) else {
        throw MeshError(
          .corrupted,
          "tokenizer.ggml.token_type must hold 1...6, got \(raw) for token \(index)",
          field: "tokenizer.ggml.token_type"
        )
      }
      return type
    }
  }

  /// Reads what SentencePiece's vocabularies have beside their tokens.
  private mutating func readPieces(_ metadata: GGUFMetadata) throws(MeshError) {
    scores = try metadata.floats("tokenizer.ggml.scores").map { Double($0) }
    roundsScores = true
    let isUnigram = algorithm == .unigram
    let hasPrefix =
      try metadata.booleanIfPresent("tokenizer.ggml.add_space_prefix") ?? !isUnigram
    text.spacePrefix = hasPrefix ? .everySegment : .none
    text.dropsLeadingSpace = hasPrefix
    if isUnigram {
      text.collapsesSpaces =
        try metadata.booleanIfPresent("tokenizer.ggml.remove_extra_whitespaces") ?? false
      try Self.checkNormalization(metadata)
    } else if addsBeginOfSequence == nil {
      addsBeginOfSequence = beginOfSequence != nil
    }
    let name = try metadata.stringIfPresent("general.name")?.lowercased() ?? ""
    if name.contains("phi-3") || name.contains("phi3") { swallowSpaceAsPhi3() }
  }

  private static func checkNormalization(_ metadata: GGUFMetadata) throws(MeshError) {
    let key = "tokenizer.ggml.precompiled_charsmap"
    guard let map = try metadata.integersIfPresent(key), !map.isEmpty else { return }
    throw MeshError(
      .unimplemented,
      "\(key) must be absent or empty: text is not normalised by tables",
      field: key
    )
  }

  /// Phi 3's markers swallow the white space behind them; GGUF files do not carry that, and
  /// llama.cpp too goes by the model's name.
  private mutating func swallowSpaceAsPhi3() {
    for (id, text) in tokens.enumerated() where id < tokenTypes.count {
      let isMarker = tokenTypes[id].isSpecial || text == "</s>"
      if isMarker && !["<unk>", "<s>", "<|endoftext|>"].contains(text) {
        addedTokens.swallowingSpaceBehind.insert(TokenID(id))
      }
    }
  }
}
