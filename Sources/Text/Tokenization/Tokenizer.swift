package import MeshTypes

/// A tokenizer: text to token ids and back.
///
/// Immutable and free to share between tasks. Text is any Swift string, NUL and all; what the
/// vocabulary cannot express, if there is such, becomes ``unknown`` or is left out in encoding.
package struct Tokenizer: Sendable {
  let vocabulary: Vocabulary
  let model: TextModel
  let preparation: TextPreparation
  let addedTokenRules: AddedTokenRules
  /// Found in text as it is.
  let addedTokens: AddedTokens
  /// Found in text once it is normalised.
  let normalizedAddedTokens: AddedTokens
  /// Whether a decoded text loses one space at its beginning, which encoding has put there.
  let dropsLeadingSpace: Bool

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
    let preparation = TextPreparation(description.text, description.algorithm)
    let vocabulary = try Vocabulary(description, preparation)
    let late = description.addedTokens.foundAfterNormalizing
    self.vocabulary = vocabulary
    self.preparation = preparation
    model = try TextModel(description, vocabulary)
    addedTokenRules = description.addedTokens
    addedTokens = AddedTokens(vocabulary, among: { !late.contains($0) }) {
      Array(vocabulary.texts[Int($0)].utf8)
    }
    normalizedAddedTokens = AddedTokens(vocabulary, among: late.contains) {
      Array(vocabulary.bytes(ofKnown: $0))
    }
    dropsLeadingSpace = description.text.dropsLeadingSpace
    beginOfSequence = description.beginOfSequence
    endOfSequence = description.endOfSequence
    unknown = description.unknown
    padding = description.padding
    addsBeginOfSequence =
      description.addsBeginOfSequence
      ?? (model.addsBeginOfSequenceByDefault && beginOfSequence != nil)
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
