import MeshTypes

/// Walks over a text from one added token to the next.
struct AddedTokenFinder {
  private let tokens: TokenTrie
  private let rules: AddedTokenRules
  /// Where the next match may begin.
  private var position = 0
  /// Where the text that no token has taken begins; white space that a token swallows moves it on.
  private var gapStart = 0

  init(_ tokens: TokenTrie, _ rules: AddedTokenRules) {
    self.tokens = tokens
    self.rules = rules
  }

  /// The next added token, and the text before it.
  mutating func next(in text: Span<UInt8>) -> (gap: Range<Int>, id: TokenID)? {
    guard let match = tokens.firstMatch(from: position, in: text) else { return nil }
    position = match.range.upperBound
    var gap = min(gapStart, match.range.lowerBound)..<match.range.lowerBound
    if rules.swallowingSpaceBefore.contains(match.id) {
      gap =
        gap.lowerBound..<Self.startOfSpace(before: gap.upperBound, in: text, from: gap.lowerBound)
    }
    gapStart = max(gapStart, position)
    if rules.swallowingSpaceBehind.contains(match.id) {
      gapStart = WhitespaceRun(from: position, in: text).end
    }
    return (gap, match.id)
  }

  /// The text behind the last token.
  func rest(of text: Span<UInt8>) -> Range<Int> { min(gapStart, text.count)..<text.count }

  /// Where the white space that ends at `end` begins, but not before `limit`.
  private static func startOfSpace(before end: Int, in text: Span<UInt8>, from limit: Int) -> Int {
    var start = end
    while start > limit {
      var lead = start - 1
      while lead > limit, text[lead] & 0xC0 == 0x80 { lead -= 1 }
      guard ScannedScalar(at: lead, in: text).kind.isWhitespace else { break }
      start = lead
    }
    return start
  }
}
