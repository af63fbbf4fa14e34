/// The pattern of ``PreTokenizer/standard``.
enum StandardScanner {
  /// What the pattern tells apart about a character.
  private enum Kind {
    case letter, number, space, mark, other
  }

  private struct Scanned {
    var kind: Kind
    var length: Int

    init(at position: Int, in text: Span<UInt8>) {
      let scalar = ScannedScalar(at: position, in: text)
      length = scalar.length
      kind =
        switch scalar.kind {
        case .letter: .letter
        case .number: .number
        case .space, .lineBreak: .space
        case .other: isMark(at: position, in: text) ? .mark : .other
        }
    }
  }

  /// See ``PreTokenizer/endOfPiece(from:in:)``.
  static func endOfPiece(from start: Int, in text: Span<UInt8>) -> Int {
    let first = Scanned(at: start, in: text)
    switch first.kind {
    case .number: return endOfNumber(from: start, in: text)
    case .letter, .mark, .other: return endOfRun(of: first.kind, from: start, in: text)
    case .space: return endOfSpace(from: start, in: text)
    }
  }

  private static func endOfRun(of kind: Kind, from start: Int, in text: Span<UInt8>) -> Int {
    var position = start
    while position < text.count {
      let scalar = Scanned(at: position, in: text)
      guard scalar.kind == kind else { break }
      position += scalar.length
    }
    return position
  }

  /// Three digits, or what comes before the next three in the run of numbers.
  private static func endOfNumber(from start: Int, in text: Span<UInt8>) -> Int {
    var position = start
    var digits = 0
    while position < text.count {
      let scalar = ScannedScalar(at: position, in: text)
      guard scalar.kind == .number else { break }
      digits = scalar.length == 1 ? digits + 1 : 0
      position += scalar.length
      if digits == 3 { return position - 3 == start ? position : position - 3 }
    }
    return position
  }

  private static func endOfSpace(from start: Int, in text: Span<UInt8>) -> Int {
    if text[start] == SpaceMark.space, start + 1 < text.count {
      let second = Scanned(at: start + 1, in: text)
      switch second.kind {
      case .letter, .other: return endOfRun(of: second.kind, from: start + 1, in: text)
      case .number: return start + 1
      case .space, .mark: break
      }
    }
    let run = WhitespaceRun(from: start, in: text)
    // A mark is where text was cut, and so the end of the text as far as look-ahead goes.
    if run.end < text.count, Scanned(at: run.end, in: text).kind == .mark { return run.end }
    return run.endLeavingOneForWhatFollows(in: text)
  }

  /// Whether an "other" character is in `[\p{P}$+<=>^~|]`.
  private static func isMark(at position: Int, in text: Span<UInt8>) -> Bool {
    let lead = text[position]
    if lead < 0x80 { return lead > 0x20 && lead != 0x60 && lead != 0x7F }
    switch ScannedScalar.scalar(at: position, in: text).properties.generalCategory {
    case .connectorPunctuation, .dashPunctuation, .openPunctuation, .closePunctuation,
      .initialPunctuation, .finalPunctuation, .otherPunctuation:
      return true
    default:
      return false
    }
  }
}
