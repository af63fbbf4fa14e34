package import MeshTypes

/// What a vocabulary entry is for. Raw values are those of `tokenizer.ggml.token_type`.
package enum TokenType: Int32, Sendable, CaseIterable {
  /// Text, written in the byte alphabet (``ByteAlphabet``).
  case normal = 1
  /// Stands for what the vocabulary cannot express; a special token.
  case unknown = 2
  /// Structure such as `<|im_end|>`, recognised only where the caller allows; a special token.
  case control = 3
  /// Added whole by the model's author, written as plain text and always recognised.
  case userDefined = 4
  /// A place holder that no text encodes to.
  case unused = 5
  /// A single byte of a vocabulary with byte fallback; treated as ``normal`` here.
  case byte = 6

  /// Whether decoding leaves the token out when special tokens are to be skipped.
  package var isSpecial: Bool { self == .control || self == .unknown }
}

/// A byte-level BPE tokenizer as a model file states it, unchecked.
///
/// The comments name the GGUF keys that the fields come from. ``Tokenizer/init(_:)`` validates.
package struct TokenizerDescription: Sendable {
  /// `tokenizer.ggml.tokens`: each token's text, in id order.
  package var tokens: [String]
  /// `tokenizer.ggml.token_type`, one for each token; empty means all ``TokenType/normal``.
  package var tokenTypes: [TokenType]
  /// `tokenizer.ggml.merges`: `"left right"`, the most wanted first.
  package var merges: [String]
  /// `tokenizer.ggml.pre`: how text is cut before merging, such as `"smollm"`.
  package var preTokenizer: String
  /// `tokenizer.ggml.bos_token_id`: put before a text where asked for.
  package var beginOfSequence: TokenID?
  /// `tokenizer.ggml.eos_token_id`: ends a generation.
  package var endOfSequence: TokenID?
  /// `tokenizer.ggml.eot_token_id`: ends a turn and with it a generation.
  package var endOfTurn: TokenID?
  /// `tokenizer.ggml.eom_token_id`: ends a message and with it a generation.
  package var endOfMessage: TokenID?
  /// `tokenizer.ggml.unknown_token_id`.
  package var unknown: TokenID?
  /// `tokenizer.ggml.padding_token_id`.
  package var padding: TokenID?
  /// `tokenizer.ggml.add_bos_token`; nil (the key is absent) means the pre-tokenizer's custom.
  package var addsBeginOfSequence: Bool?

  /// Creates a description.
  package init(
    tokens: [String],
    tokenTypes: [TokenType] = [],
    merges: [String],
    preTokenizer: String,
    beginOfSequence: TokenID? = nil,
    endOfSequence: TokenID? = nil,
    endOfTurn: TokenID? = nil,
    endOfMessage: TokenID? = nil,
    unknown: TokenID? = nil,
    padding: TokenID? = nil,
    addsBeginOfSequence: Bool? = nil
  ) {
    self.tokens = tokens
    self.tokenTypes = tokenTypes
    self.merges = merges
    self.preTokenizer = preTokenizer
    self.beginOfSequence = beginOfSequence
    self.endOfSequence = endOfSequence
    self.endOfTurn = endOfTurn
    self.endOfMessage = endOfMessage
    self.unknown = unknown
    self.padding = padding
    self.addsBeginOfSequence = addsBeginOfSequence
  }

  /// The most tokens a vocabulary may have.
  package static let maximumTokenCount = 1 << 20
  /// The most merges a vocabulary may have.
  package static let maximumMergeCount = 1 << 21
  /// The longest text of one token, in UTF-8 bytes.
  package static let maximumTokenLengthBytes = 1024
}

extension TokenizerDescription {
  /// Checks counts and ids, so that everything built from the description is bounded.
  func validate() throws(MeshError) {
    guard (1...Self.maximumTokenCount).contains(tokens.count) else {
      throw .invalid(
        "tokenizer.ggml.tokens",
        "must have 1...\(Self.maximumTokenCount) entries, has \(tokens.count)"
      )
    }
    guard tokenTypes.isEmpty || tokenTypes.count == tokens.count else {
      throw .invalid(
        "tokenizer.ggml.token_type",
        "must have one entry for each of the \(tokens.count) tokens, has \(tokenTypes.count)"
      )
    }
    guard merges.count <= Self.maximumMergeCount else {
      throw .invalid(
        "tokenizer.ggml.merges",
        "must have at most \(Self.maximumMergeCount) entries, has \(merges.count)"
      )
    }
    for (name, id) in [
      ("bos", beginOfSequence), ("eos", endOfSequence), ("eot", endOfTurn),
      ("eom", endOfMessage), ("unknown", unknown), ("padding", padding),
    ] {
      guard let id, id >= tokens.count else { continue }
      throw .invalid(
        "tokenizer.ggml.\(name)_token_id",
        "must be in 0..<\(tokens.count), is \(id)"
      )
    }
    if addsBeginOfSequence == true && beginOfSequence == nil {
      throw .invalid(
        "tokenizer.ggml.add_bos_token",
        "is true, but tokenizer.ggml.bos_token_id is absent"
      )
    }
  }
}
