import MeshTypes

/// What makes tokens of text in which no added token is left.
enum TextModel: Sendable {
  case bytePairs(BytePairModel)
  case characterPairs(CharacterPairModel)
  case unigram(UnigramModel)

  init(_ description: TokenizerDescription, _ vocabulary: Vocabulary) throws(MeshError) {
    switch description.algorithm {
    case .bytePairs:
      let preTokenizer = try PreTokenizer(named: description.preTokenizer)
      self = .bytePairs(try BytePairModel(description, vocabulary, preTokenizer))
    case .characterPairs, .scoredPairs:
      self = .characterPairs(try CharacterPairModel(description, vocabulary))
    case .unigram:
      self = .unigram(UnigramModel(description, vocabulary))
    }
  }

  /// Whether texts begin with the beginning-of-sequence token where the file does not say.
  var addsBeginOfSequenceByDefault: Bool {
    switch self {
    case .bytePairs(let model): model.preTokenizer.addsBeginOfSequenceByDefault
    case .characterPairs, .unigram: false
    }
  }
}
