/// The patterns of ``PreTokenizer/gpt2`` and ``PreTokenizer/smollm``.
enum GPT2Scanner {
  /// See ``PreTokenizer/endOfPiece(from:in:)``.
  ///
  /// - Parameter isolatesNumbers: Whether each number is a piece of its own, at which the text
  ///   before it ends as far as look-ahead is concerned.
  static func endOfPiece(
    from start: Int,
    in text: Span<UInt8>,
    isolatesNumbers: Bool
  ) -> Int {
    let first = ScannedScalar(at: start, in: text)
    if first.kind == .number && isolatesNumbers { return start + first.length }
    if let end = Contraction.end(from: start, in: text, ignoringCase: false) { return end }
    if !first.kind.isWhitespace {
      return text.endOfRun(of: first.kind, from: start + first.length)
    }
    // " ?" before a run of letters, numbers or others.
    if text[start] == UInt8(ascii: " "), start + 1 < text.count {
      let second = ScannedScalar(at: start + 1, in: text)
      if !second.kind.isWhitespace && !(second.kind == .number && isolatesNumbers) {
        return text.endOfRun(of: second.kind, from: start + 1 + second.length)
      }
    }
    let run = WhitespaceRun(from: start, in: text)
    if isolatesNumbers && run.isFollowed(by: .number, in: text) { return run.end }
    return run.endLeavingOneForWhatFollows(in: text)
  }
}
