package import MeshTypes

/// Decodes a stream of tokens to text piece by piece, never splitting a character.
///
/// The pieces and ``finish()`` together are the text that
/// ``Tokenizer/decode(_:skipsSpecialTokens:)`` gives for all tokens.
package struct IncrementalDecoder: Sendable {
  private let tokenizer: Tokenizer
  private let skipsSpecialTokens: Bool
  /// The beginning of a character, 0...3 bytes between calls.
  private var pending: [UInt8] = []

  /// Creates a decoder at the beginning of a text.
  ///
  /// - Parameters:
  ///   - tokenizer: Whose tokens will come.
  ///   - skipsSpecialTokens: Whether control and unknown tokens leave no trace.
  package init(tokenizer: Tokenizer, skipsSpecialTokens: Bool) {
    self.tokenizer = tokenizer
    self.skipsSpecialTokens = skipsSpecialTokens
  }

  /// Takes the next token.
  ///
  /// - Returns: The text that became complete with it; empty while a character is incomplete.
  /// - Throws: `MeshError` `invalidArgument` naming `token_ids` for an id beyond the vocabulary;
  ///   the decoder is then as before the call.
  package mutating func append(_ id: TokenID) throws(MeshError) -> String {
    if skipsSpecialTokens, try tokenizer.isSpecial(id) { return "" }
    pending += try tokenizer.bytes(of: id)
    let complete = pending.count - UTF8Tail.incompleteByteCount(of: pending)
    defer { pending.removeFirst(complete) }
    return String(decoding: pending[..<complete], as: UTF8.self)
  }

  /// Ends the text.
  ///
  /// - Returns: U+FFFD if a character was left incomplete, else nothing.
  package mutating func finish() -> String {
    defer { pending.removeAll() }
    return String(decoding: pending, as: UTF8.self)
  }
}
