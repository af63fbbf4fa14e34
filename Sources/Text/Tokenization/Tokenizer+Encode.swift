package import MeshTypes

/// Whether the texts of special tokens mean the tokens.
package enum SpecialTokenPolicy: Sendable {
  /// `<|im_end|>` becomes the control token: for prompts that the mesh itself composes.
  case recognised
  /// `<|im_end|>` is ten characters like any others: for text from outside. User-defined tokens
  /// are found all the same, for they are ordinary text.
  case plainText
}

extension Tokenizer {
  /// Encodes a text.
  ///
  /// Added tokens are found first, from left to right, the longest among those that begin at one
  /// place. What lies between is cut into pieces by the pre-tokenizer, and each piece's bytes merge
  /// into tokens (Sennrich et al. 2016, over bytes as in GPT-2).
  ///
  /// Takes O(n log n) time and O(n) memory for n bytes, whatever they are (added tokens, whose
  /// length is bounded, taken as short).
  ///
  /// - Parameters:
  ///   - text: What to encode; empty gives no tokens but the begin of sequence.
  ///   - specialTokens: Whether control tokens are recognised in it.
  ///   - addsBeginOfSequence: Whether to put ``beginOfSequence`` in front; without effect for a
  ///     model that has none.
  package func encode(
    _ text: String,
    specialTokens: SpecialTokenPolicy,
    addsBeginOfSequence: Bool
  ) -> [TokenID] {
    let bytes = Array(text.utf8)
    let addedTokens = specialTokens == .recognised ? allAddedTokens : userDefinedTokens
    var encoder = SegmentEncoder(self, expectedByteCount: bytes.count)
    if addsBeginOfSequence, let beginOfSequence { encoder.append(beginOfSequence) }
    var position = 0
    while let match = addedTokens.firstMatch(from: position, in: bytes.span) {
      encoder.encode(bytes.span.extracting(position..<match.range.lowerBound))
      encoder.append(match.id)
      position = match.range.upperBound
    }
    encoder.encode(bytes.span.extracting(position..<bytes.count))
    return encoder.ids
  }
}

/// Encodes the stretches of a text between its added tokens.
private struct SegmentEncoder: ~Copyable {
  private let tokenizer: Tokenizer
  private var merger = BytePairMerger()
  private(set) var ids: [TokenID] = []

  init(_ tokenizer: Tokenizer, expectedByteCount: Int) {
    self.tokenizer = tokenizer
    ids.reserveCapacity(expectedByteCount / 4 + 1)
  }

  mutating func append(_ id: TokenID) { ids.append(id) }

  mutating func encode(_ segment: Span<UInt8>) {
    var start = 0
    while start < segment.count {
      let end = tokenizer.preTokenizer.endOfPiece(from: start, in: segment)
      encode(piece: segment.extracting(start..<end))
      start = end
    }
  }

  private mutating func encode(piece: Span<UInt8>) {
    if let id = tokenizer.words.id(of: piece, in: tokenizer.vocabulary) {
      ids.append(id)
      return
    }
    merger.merge(
      piece,
      idsByByte: tokenizer.vocabulary.idsByByte,
      merges: tokenizer.merges,
      into: &ids
    )
  }
}
