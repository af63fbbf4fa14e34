/// A run of white space as long as it can be.
struct WhitespaceRun {
  private let start: Int
  /// Where the run ends.
  let end: Int
  /// Where its last character begins.
  private let lastStart: Int
  /// Where its last `\r` or `\n` ends: what `\s*[\r\n]+` matches.
  let endOfLastLineBreak: Int?

  init(from start: Int, in text: Span<UInt8>) {
    var position = start
    var lastStart = start
    var endOfLastLineBreak: Int?
    while position < text.count {
      let scalar = ScannedScalar(at: position, in: text)
      guard scalar.kind.isWhitespace else { break }
      lastStart = position
      position += scalar.length
      if scalar.kind == .lineBreak { endOfLastLineBreak = position }
    }
    self.start = start
    self.end = position
    self.lastStart = lastStart
    self.endOfLastLineBreak = endOfLastLineBreak
  }

  /// Whether a character of this kind comes right behind the run.
  func isFollowed(by kind: ScalarKind, in text: Span<UInt8>) -> Bool {
    end < text.count && ScannedScalar(at: end, in: text).kind == kind
  }

  /// What `\s+(?!\S)|\s+` matches: all of the run at the end of the text, else all but its last
  /// character, which may lead the next piece; a single character whole.
  func endLeavingOneForWhatFollows(in text: Span<UInt8>) -> Int {
    end == text.count || lastStart == start ? end : lastStart
  }
}
