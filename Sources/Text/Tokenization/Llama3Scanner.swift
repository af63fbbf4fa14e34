/// The patterns of ``PreTokenizer/llamaBPE`` and ``PreTokenizer/qwen2``.
enum Llama3Scanner {
  /// See ``PreTokenizer/endOfPiece(from:in:)``.
  ///
  /// - Parameter longestNumber: How many numbers one piece may have.
  static func endOfPiece(from start: Int, in text: Span<UInt8>, longestNumber: Int) -> Int {
    if let end = Contraction.end(from: start, in: text, ignoringCase: true) { return end }
    let first = ScannedScalar(at: start, in: text)
    let second = start + first.length
    switch first.kind {
    case .letter: return text.endOfRun(of: .letter, from: second)
    case .number: return endOfNumber(from: second, in: text, atMost: longestNumber - 1)
    case .space, .other:
      // Any one character may lead a word.
      if second < text.count, ScannedScalar(at: second, in: text).kind == .letter {
        return text.endOfRun(of: .letter, from: second)
      }
    case .lineBreak: break
    }
    if first.kind == .other { return endOfOthers(from: second, in: text) }
    if text[start] == UInt8(ascii: " "), second < text.count,
      ScannedScalar(at: second, in: text).kind == .other
    {
      return endOfOthers(from: second, in: text)
    }
    let run = WhitespaceRun(from: start, in: text)
    return run.endOfLastLineBreak ?? run.endLeavingOneForWhatFollows(in: text)
  }

  private static func endOfNumber(
    from start: Int,
    in text: Span<UInt8>,
    atMost limit: Int
  ) -> Int {
    var position = start
    for _ in 0..<limit where position < text.count {
      let scalar = ScannedScalar(at: position, in: text)
      guard scalar.kind == .number else { break }
      position += scalar.length
    }
    return position
  }

  /// Others, then the line breaks right behind them.
  private static func endOfOthers(from start: Int, in text: Span<UInt8>) -> Int {
    text.endOfRun(of: .lineBreak, from: text.endOfRun(of: .other, from: start))
  }
}
