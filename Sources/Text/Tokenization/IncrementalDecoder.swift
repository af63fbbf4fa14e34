package import MeshTypes

/// Decodes a stream of tokens to text piece by piece, never splitting a character.
///
/// The pieces and ``finish()`` together are the text that
/// ``Tokenizer/decode(_:skipsSpecialTokens:)`` gives for all tokens; but where the tokens continue a
/// text, a space at their beginning is a part of it and stays.
package struct IncrementalDecoder: Sendable {
  private let tokenizer: Tokenizer
  private let skipsSpecialTokens: Bool
  /// The beginning of a character, 0...3 bytes between calls.
  private var pending: [UInt8] = []
  /// Whether a space would be one that encoding has put in front of the text.
  private var dropsSpace: Bool

  /// Creates a decoder at the beginning of a text.
  ///
  /// - Parameters:
  ///   - tokenizer: Whose tokens will come.
  ///   - skipsSpecialTokens: Whether control and unknown tokens leave no trace.
  ///   - continuesText: Whether text came before, such as a prompt.
  package init(tokenizer: Tokenizer, skipsSpecialTokens: Bool, continuesText: Bool = false) {
    self.tokenizer = tokenizer
    self.skipsSpecialTokens = skipsSpecialTokens
    dropsSpace = tokenizer.dropsLeadingSpace && !continuesText
  }

  /// Takes the next token.
  ///
  /// - Returns: The text that became complete with it; empty while a character is incomplete.
  /// - Throws: `MeshError` `invalidArgument` naming `token_ids` for an id beyond the vocabulary;
  ///   the decoder is then as before the call.
  package mutating func append(_ id: TokenID) throws(MeshError) -> String {
    if skipsSpecialTokens, try tokenizer.isSpecial(id) { return "" }
    var bytes = try tokenizer.bytes(of: id)
    if dropsSpace, let first = bytes.first {
      if first == SpaceMark.space { bytes.removeFirst() }
      dropsSpace = false
    }
    pending += bytes
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
