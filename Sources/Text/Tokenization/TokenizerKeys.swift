/// What a kind of model file calls the parts of a ``TokenizerDescription``: the fields of errors.
package struct TokenizerKeys: Hashable, Sendable {
  var tokens: String
  var types: String
  var scores: String
  var merges: String
  var preTokenizer: String
  var addsBeginOfSequence: String
  private var idFormat: IDFormat

  private enum IDFormat { case gguf, huggingFace }

  /// The key of a special token's id, such as `bos`.
  func id(of name: String) -> String {
    switch idFormat {
    case .gguf: "tokenizer.ggml.\(name)_token_id"
    case .huggingFace: "\(name)_token"
    }
  }

  /// GGUF files' metadata keys.
  package static let gguf = Self(
    tokens: "tokenizer.ggml.tokens",
    types: "tokenizer.ggml.token_type",
    scores: "tokenizer.ggml.scores",
    merges: "tokenizer.ggml.merges",
    preTokenizer: "tokenizer.ggml.pre",
    addsBeginOfSequence: "tokenizer.ggml.add_bos_token",
    idFormat: .gguf
  )

  /// Paths in `tokenizer.json` and `tokenizer_config.json`.
  package static let huggingFace = Self(
    tokens: "model.vocab",
    types: "added_tokens",
    scores: "model.vocab",
    merges: "model.merges",
    preTokenizer: "pre_tokenizer",
    addsBeginOfSequence: "post_processor",
    idFormat: .huggingFace
  )
}
