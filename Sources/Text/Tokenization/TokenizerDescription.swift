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
  /// A single byte, for characters that are no tokens: `<0x0A>`. In a byte-level vocabulary the same
  /// as ``normal``.
  case byte = 6

  /// Whether decoding leaves the token out when special tokens are to be skipped.
  package var isSpecial: Bool { self == .control || self == .unknown }
}

/// A tokenizer as a model file states it, unchecked.
///
/// The comments name the GGUF keys that the fields come from; what `tokenizer.json` says is brought
/// into the same form. ``Tokenizer/init(_:)`` validates.
package struct TokenizerDescription: Sendable {
  /// `tokenizer.ggml.model`.
  package var algorithm = TokenizerAlgorithm.bytePairs
  /// `tokenizer.ggml.tokens`: each token's text, in id order.
  package var tokens: [String]
  /// `tokenizer.ggml.token_type`, one for each token; empty means all ``TokenType/normal``.
  package var tokenTypes: [TokenType]
  /// `tokenizer.ggml.scores`, one for each token; for ``TokenizerAlgorithm/scoredPairs`` and
  /// ``TokenizerAlgorithm/unigram``.
  package var scores: [Double] = []
  /// Whether sums of scores are rounded to single precision, as SentencePiece does, which decides
  /// between equals.
  package var roundsScores = false
  /// `tokenizer.ggml.merges`: `"left right"`, the most wanted first; for the other two.
  package var merges: [String]
  /// `tokenizer.ggml.pre`: how text is cut before merging, such as `"smollm"`; for
  /// ``TokenizerAlgorithm/bytePairs``.
  package var preTokenizer: String
  /// What happens to text before and after: `tokenizer.ggml.add_space_prefix` and the like.
  package var text = TextRules()
  /// How tokens that are no ordinary text are found.
  package var addedTokens = AddedTokenRules()
  /// Whether a piece of text that is a token is taken whole, whatever the merges would make of it;
  /// nil means the pre-tokenizer's custom.
  package var takesKnownPiecesWhole: Bool?
  /// Whether characters that are no tokens are spelt in bytes, where the vocabulary has them.
  package var hasByteFallback = true
  /// Whether in a byte-level vocabulary a byte without token becomes the unknown token, if there is
  /// one; else it is left out.
  package var unknownReplacesBytes = false
  /// Whether neighbours that the vocabulary cannot express become one unknown token.
  package var fusesUnknown = true
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
  /// Tokens that end a generation beside those above: `eos_token_id` of `generation_config.json`.
  package var otherEnds: Set<TokenID> = []
  /// What the file calls all this, for errors.
  package var keys = TokenizerKeys.gguf

  /// Creates a description of a byte-level BPE tokenizer, to be changed for others.
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
