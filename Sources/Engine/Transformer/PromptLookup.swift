package import MeshTypes

/// Guesses how a text goes on from what stands in it already: where its last tokens stood before, what
/// came after them then.
package enum PromptLookup {
  /// Fewer equal tokens than this are taken for chance.
  static let leastMatch = 3
  /// As many equal tokens as this are not compared further: the latest such place is taken.
  static let enoughMatch = 6
  /// How far back is looked: a bound on the time that it takes.
  static let reach = 16_384

  /// Appends guesses to a text. A text that repeats itself goes on doing so, however short its period.
  ///
  /// Looks at each token within reach once; allocates nothing if `tokens` has room.
  ///
  /// - Parameters:
  ///   - tokens: The text.
  ///   - limit: The most guesses.
  /// - Returns: How many were appended: `limit` or, where no place is like the end, 0.
  package static func extend(_ tokens: inout [TokenID], by limit: Int) -> Int {
    guard limit > 0, let place = continuation(of: tokens) else { return 0 }
    for offset in 0..<limit { tokens.append(tokens[place + offset]) }
    return limit
  }

  /// Where what may follow begins: after the place that is like the text's end in most tokens, the
  /// latest of those.
  private static func continuation(of tokens: [TokenID]) -> Int? {
    let tokens = tokens.span
    let last = tokens.count - 1
    guard last >= leastMatch else { return nil }
    var best = (length: leastMatch - 1, place: 0)
    var end = last - 1
    let first = max(leastMatch - 1, last - reach)
    while end >= first {
      if tokens[end] == tokens[last], tokens[end - 1] == tokens[last - 1] {
        var length = 2
        while length < enoughMatch, length <= end, tokens[end - length] == tokens[last - length] {
          length += 1
        }
        if length > best.length { best = (length, end + 1) }
        if length >= enoughMatch { break }
      }
      end -= 1
    }
    return best.place > 0 ? best.place : nil
  }
}
