/// Several outputs whose parts come interleaved, as text that can be read: one after the other, each under
/// its number. The one that is on the terminal streams, those after it wait for their turn.
package struct OutputText {
  private struct Output {
    var waitingText = ""
    var hasEnded = false
  }

  private var outputs: [Output]
  private var shown = 0
  private var hasBegun = false

  /// - Parameter count: How many outputs there are; a single one has no number.
  package init(count: Int) { outputs = Array(repeating: Output(), count: max(1, count)) }

  /// Takes a part.
  ///
  /// - Returns: What to show now.
  package mutating func take(_ text: String, of index: Int, isLast: Bool) -> String {
    guard outputs.indices.contains(index) else { return "" }
    outputs[index].waitingText += text
    outputs[index].hasEnded = outputs[index].hasEnded || isLast
    var shownText = ""
    while shown < outputs.count {
      if !hasBegun, outputs.count > 1 { shownText += "[\(shown)] " }
      hasBegun = true
      shownText += outputs[shown].waitingText
      outputs[shown].waitingText = ""
      guard outputs[shown].hasEnded else { break }
      shownText += "\n"
      shown += 1
      hasBegun = false
    }
    return shownText
  }
}
