import MeshTypes

/// Encodes the stretches of a text between its added tokens.
struct SegmentEncoder: ~Copyable {
  private let tokenizer: Tokenizer
  private let policy: SpecialTokenPolicy
  private var merger = BytePairMerger()
  private var scratch: [TokenID] = []
  private var lattice = UnigramModel.Lattice()
  private(set) var ids: [TokenID] = []

  init(_ tokenizer: Tokenizer, _ policy: SpecialTokenPolicy, expectedByteCount: Int) {
    self.tokenizer = tokenizer
    self.policy = policy
    ids.reserveCapacity(expectedByteCount / 4 + 1)
  }

  mutating func append(_ id: TokenID) { ids.append(id) }

  /// Encodes a stretch of text.
  ///
  /// - Parameter isBeginning: Whether the text begins with it.
  mutating func encode(_ segment: Span<UInt8>, isBeginning: Bool) {
    if tokenizer.preparation.isIdentity {
      encode(normalized: segment, isBeginning: isBeginning)
    } else {
      let prepared = tokenizer.preparation.normalized(segment)
      encode(normalized: prepared.span, isBeginning: isBeginning)
    }
  }

  private mutating func encode(normalized text: Span<UInt8>, isBeginning: Bool) {
    let addedTokens = tokenizer.normalizedAddedTokens.tokens(policy)
    var finder = AddedTokenFinder(addedTokens, tokenizer.addedTokenRules)
    while let found = finder.next(in: text) {
      encode(
        plain: text.extracting(found.gap),
        isBeginning: isBeginning && found.gap.lowerBound == 0
      )
      ids.append(found.id)
    }
    let rest = finder.rest(of: text)
    encode(plain: text.extracting(rest), isBeginning: isBeginning && rest.lowerBound == 0)
  }

  private mutating func encode(plain text: Span<UInt8>, isBeginning: Bool) {
    guard tokenizer.preparation.lacksSpace(text, isBeginning: isBeginning) else {
      encode(withModel: text)
      return
    }
    var prefixed = [SpaceMark.space]
    prefixed.reserveCapacity(text.count + 1)
    for index in 0..<text.count { prefixed.append(text[index]) }
    encode(withModel: prefixed.span)
  }

  private mutating func encode(withModel text: Span<UInt8>) {
    switch tokenizer.model {
    case .bytePairs(let model):
      model.encode(text, tokenizer.vocabulary, &merger, into: &ids)
    case .characterPairs(let model):
      model.encode(text, tokenizer.vocabulary, &merger, scratch: &scratch, into: &ids)
    case .unigram(let model):
      model.encode(text, &lattice, into: &ids)
    }
  }
}
