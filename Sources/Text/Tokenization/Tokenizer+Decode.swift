package import MeshTypes

extension Tokenizer {
  /// Decodes tokens to text.
  ///
  /// - Parameters:
  ///   - ids: The tokens.
  ///   - skipsSpecialTokens: Whether control and unknown tokens leave no trace; otherwise they
  ///     appear as their texts.
  /// - Returns: The text; each maximal run of bytes that is no valid UTF-8 becomes U+FFFD, as
  ///   Unicode recommends (chapter 3.9).
  /// - Throws: `MeshError` `invalidArgument` naming `token_ids` for an id beyond the vocabulary.
  package func decode(
    _ ids: some Sequence<TokenID>,
    skipsSpecialTokens: Bool
  ) throws(MeshError) -> String {
    var bytes: [UInt8] = []
    for id in ids {
      if skipsSpecialTokens, try isSpecial(id) { continue }
      bytes += try self.bytes(of: id)
    }
    if dropsLeadingSpace, bytes.first == SpaceMark.space { bytes.removeFirst() }
    return String(decoding: bytes, as: UTF8.self)
  }
}
