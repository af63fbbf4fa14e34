package import MeshTypes

/// A byte-level BPE tokenizer: text to token ids and back.
///
/// Immutable and free to share between tasks. Text is any Swift string, NUL and all; a byte for
/// which the vocabulary has no token, if there are such, is left out in encoding.
package struct Tokenizer: Sendable {
  let vocabulary: Vocabulary
  let preTokenizer: PreTokenizer
  let merges: MergeTable
  let words: WordTable
  /// Found in every text.
  let userDefinedTokens: TokenTrie
  /// Found where the caller allows special tokens.
  let allAddedTokens: TokenTrie

  /// The token that begins a text, if the model has one.
  package let beginOfSequence: TokenID?
  /// The token that ends a text, if the model has one.
  package let endOfSequence: TokenID?
  /// The token for what the vocabulary cannot express, if the model has one.
  package let unknown: TokenID?
  /// The token that fills up batches, if the model has one.
  package let padding: TokenID?
  /// Whether the model's texts begin with ``beginOfSequence``; pass it on to ``encode(_:specialTokens:addsBeginOfSequence:)``.
  package let addsBeginOfSequence: Bool
  /// The tokens after which a generation is over: ``endOfSequence``, and those that end a turn or
  /// a message in the model's family.
  package let endOfGenerationTokenIDs: Set<TokenID>

  /// Builds a tokenizer.
  ///
  /// - Throws: `MeshError` `unimplemented` naming `tokenizer.ggml.pre` for an unknown
  ///   pre-tokenizer; `invalidArgument` naming the key at fault for repeated, empty or too long
  ///   tokens, merges of or into texts that are no tokens, ids beyond the vocabulary, and counts
  ///   beyond ``TokenizerDescription``'s limits.
  package init(_ description: TokenizerDescription) throws(MeshError) {
    try description.validate()
    let preTokenizer = try PreTokenizer(named: description.preTokenizer)
    let vocabulary = try Vocabulary(description)
    let merges = try MergeTable(description.merges, vocabulary)
    self.vocabulary = vocabulary
    self.preTokenizer = preTokenizer
    self.merges = merges
    words = try Self.words(
      of: vocabulary,
      merges,
      takingAll: preTokenizer.takesKnownPiecesWhole
    )
    userDefinedTokens = TokenTrie(vocabulary.tokens { $0 == .userDefined })
    allAddedTokens = TokenTrie(vocabulary.tokens { $0 == .userDefined || $0.isSpecial })
    beginOfSequence = description.beginOfSequence
    endOfSequence = description.endOfSequence
    unknown = description.unknown
    padding = description.padding
    addsBeginOfSequence =
      description.addsBeginOfSequence
      ?? (preTokenizer.addsBeginOfSequenceByDefault && beginOfSequence != nil)
    endOfGenerationTokenIDs = EndOfGeneration.tokenIDs(of: vocabulary, description)
  }

  /// The number of tokens.
  package var vocabularySize: Int { vocabulary.count }

  /// The id of the token that the model file writes as `text`, or nil: `"<|im_end|>"`, `"Ġthe"`.
  package func id(ofToken text: String) -> TokenID? { vocabulary.id(ofToken: text) }

  /// The text of a token as the model file writes it, or nil for an id beyond the vocabulary.
  package func token(of id: TokenID) -> String? {
    id < vocabulary.count ? vocabulary.texts[Int(id)] : nil
  }

  /// The bytes that a token stands for; not always whole characters.
  ///
  /// - Throws: `MeshError` `invalidArgument` for an id beyond the vocabulary.
  package func bytes(of id: TokenID) throws(MeshError) -> ArraySlice<UInt8> {
    try vocabulary.bytes(of: id)
  }

  /// Whether a token is left out of text that skips special tokens.
  ///
  /// - Throws: `MeshError` `invalidArgument` for an id beyond the vocabulary.
  package func isSpecial(_ id: TokenID) throws(MeshError) -> Bool {
    try vocabulary.type(of: id).isSpecial
  }
}

extension Tokenizer {
  /// The tokens that a piece of exactly their bytes encodes to.
  private static func words(
    of vocabulary: Vocabulary,
    _ merges: MergeTable,
    takingAll: Bool
  ) throws(MeshError) -> WordTable {
    var words = WordTable(capacity: vocabulary.count)
    var merger = BytePairMerger()
    var result: [TokenID] = []
    for id in 0..<TokenID(vocabulary.count) where vocabulary.types[Int(id)] == .normal {
      let bytes = Array(try vocabulary.bytes(of: id))
      if !takingAll {
        result.removeAll(keepingCapacity: true)
        merger.merge(
          bytes.span,
          idsByByte: vocabulary.idsByByte,
          merges: merges,
          into: &result
        )
        guard result == [id] else { continue }
      }
      words.insert(bytes.span, id, in: vocabulary)
    }
    return words
  }
}

extension Vocabulary {
  /// The tokens of some types.
  fileprivate func tokens(where isWanted: (TokenType) -> Bool) -> [(id: TokenID, text: String)] {
    types.indices.filter { isWanted(types[$0]) }.map { (TokenID($0), texts[$0]) }
  }
}
