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
  /// place. What lies between is prepared by the model's rules, such as a space in front, and becomes
  /// tokens by its ``TokenizerAlgorithm``.
  ///
  /// Takes O(n log n) time and O(n) memory for n bytes, whatever they are (tokens, whose
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
    var encoder = SegmentEncoder(self, specialTokens, expectedByteCount: bytes.count)
    if addsBeginOfSequence, let beginOfSequence { encoder.append(beginOfSequence) }
    var finder = AddedTokenFinder(addedTokens.tokens(specialTokens), addedTokenRules)
    while let found = finder.next(in: bytes.span) {
      encoder.encode(
        bytes.span.extracting(found.gap),
        isBeginning: found.gap.lowerBound == 0
      )
      encoder.append(found.id)
    }
    let rest = finder.rest(of: bytes.span)
    encoder.encode(bytes.span.extracting(rest), isBeginning: rest.lowerBound == 0)
    return encoder.ids
  }
}
