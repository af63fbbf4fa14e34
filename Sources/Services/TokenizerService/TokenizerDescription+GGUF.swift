package import MeshTypes
package import ModelFiles
package import Tokenization

extension TokenizerDescription {
  /// Reads the vocabulary from a GGUF file's `tokenizer.ggml.*` keys.
  ///
  /// - Throws: ``MeshError`` naming the key that is missing, mistyped or not supported.
  package init(_ metadata: GGUFMetadata) throws(MeshError) {
    let model = try metadata.string("tokenizer.ggml.model")
    guard model == "gpt2" else {
      throw MeshError(
        .unimplemented,
        "tokenizer.ggml.model must be \"gpt2\", got \"\(model.prefix(100))\"",
        field: "tokenizer.ggml.model"
      )
    }
    let tokens = try metadata.strings("tokenizer.ggml.tokens")
    func tokenID(_ name: String) throws(MeshError) -> TokenID? {
      try metadata.integerIfPresent("tokenizer.ggml.\(name)", in: 0...max(0, tokens.count - 1))
        .map { TokenID($0) }
    }
    let rawTypes = try metadata.integersIfPresent("tokenizer.ggml.token_type")
    let types = try rawTypes?.enumerated().map { (index, raw) throws(MeshError) in
      guard let type = TokenType(rawValue: Int32(clamping: raw)) else {
        throw MeshError(
          .corrupted,
          "tokenizer.ggml.token_type must hold 1...6, got \(raw) for token \(index)",
          field: "tokenizer.ggml.token_type"
        )
      }
      return type
    }
    self.init(
      tokens: tokens,
      tokenTypes: types ?? [],
      merges: try metadata.strings("tokenizer.ggml.merges"),
      preTokenizer: try metadata.stringIfPresent("tokenizer.ggml.pre") ?? "gpt-2",
      beginOfSequence: try tokenID("bos_token_id"),
      endOfSequence: try tokenID("eos_token_id"),
      endOfTurn: try tokenID("eot_token_id"),
      endOfMessage: try tokenID("eom_token_id"),
      unknown: try tokenID("unknown_token_id"),
      padding: try tokenID("padding_token_id"),
      addsBeginOfSequence: try metadata.booleanIfPresent("tokenizer.ggml.add_bos_token")
    )
  }
}
