import MeshTypes
import TestSupport
import Testing
import Tokenization

@Suite("StopStringMatcher")
struct StopStringMatcherTests {
  /// What a matcher gives for the whole of a text.
  private struct Outcome: Equatable {
    var text = ""
    var matched: String?
  }

  /// Tries every end in turn, and at each end every stop string.
  private func naiveOutcome(_ text: String, _ stopStrings: [String]) -> Outcome {
    for end in text.indices.map({ text.index(after: $0) }) {
      let soFar = text[..<end]
      let found = stopStrings.filter { soFar.hasSuffix($0) }.max { $0.count < $1.count }
      if let found { return Outcome(text: String(soFar.dropLast(found.count)), matched: found) }
    }
    return Outcome(text: text)
  }

  private func outcome(_ parts: [String], _ stopStrings: [String]) throws -> Outcome {
    var matcher = try StopStringMatcher(stopStrings: stopStrings)
    var outcome = Outcome()
    for part in parts {
      let (text, matched) = matcher.append(part)
      outcome.text += text
      outcome.matched = matched
    }
    outcome.text += matcher.finish()
    return outcome
  }

  @Test("Without stop strings text passes at once")
  func noStopStrings() throws {
    var matcher = try StopStringMatcher(stopStrings: [])
    let (text, matched) = matcher.append("abc")
    #expect(text == "abc")
    #expect(matched == nil)
    #expect(matcher.finish() == "")
  }

  @Test("What may begin a stop string is held back until it cannot")
  func holdsBack() throws {
    var matcher = try StopStringMatcher(stopStrings: ["\n\nUser:"])
    #expect(matcher.append("Yes.\n").text == "Yes.")
    #expect(matcher.append("\nUse").text == "")
    #expect(matcher.append("ful").text == "\n\nUseful")
    #expect(matcher.append("\n\n\n").text == "\n")
    let (text, matched) = matcher.append("User: and more")
    #expect(text == "")
    #expect(matched == "\n\nUser:")
  }

  @Test("After a match no text comes, and the match stays")
  func afterMatch() throws {
    var matcher = try StopStringMatcher(stopStrings: ["b"])
    #expect(matcher.append("abc").text == "a")
    let (text, matched) = matcher.append("abc")
    #expect(text == "")
    #expect(matched == "b")
    #expect(matcher.finish() == "")
  }

  @Test("At the end what was held back comes out")
  func finish() throws {
    var matcher = try StopStringMatcher(stopStrings: ["END"])
    #expect(matcher.append("theEN").text == "the")
    #expect(matcher.finish() == "EN")
    #expect(matcher.finish() == "")
  }

  @Test("The stop string that ends first wins, then the longest")
  func precedence() throws {
    #expect(try outcome(["xabcd"], ["abcd", "bc"]) == Outcome(text: "xa", matched: "bc"))
    #expect(try outcome(["xabc"], ["c", "bc", "abc"]) == Outcome(text: "x", matched: "abc"))
  }

  @Test("Held-back text is cut between characters")
  func multibyteCharacters() throws {
    var matcher = try StopStringMatcher(stopStrings: ["€€!"])
    #expect(matcher.append("a€").text == "a")
    #expect(matcher.append("€").text == "")
    #expect(matcher.append("€¢").text == "€€€¢")
    #expect(matcher.append("€€!").matched == "€€!")
  }

  @Test("The same as searching naively, however the text is cut", arguments: [1 as UInt64, 2, 3])
  func random(_ seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    func word(_ lengths: ClosedRange<Int>) -> String {
      let length = Int.random(in: lengths, using: &generator)
      return String((0..<length).map { _ in "aab€".randomElement(using: &generator)! })
    }
    for _ in 0..<3000 {
      let stopStrings = (0..<Int.random(in: 0...4, using: &generator)).map { _ in word(1...6) }
      let parts = (0..<Int.random(in: 0...8, using: &generator)).map { _ in word(0...5) }
      #expect(
        try outcome(parts, stopStrings) == naiveOutcome(parts.joined(), stopStrings),
        "seed \(seed), stop \(stopStrings), parts \(parts)"
      )
    }
  }

  @Test("Nothing that is given out early belongs to a later match", arguments: [7 as UInt64])
  func neverTakesBack(_ seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    for _ in 0..<500 {
      let stop = String((0..<5).map { _ in "ab".randomElement(using: &generator)! })
      let text = String((0..<40).map { _ in "ab".randomElement(using: &generator)! })
      var matcher = try StopStringMatcher(stopStrings: [stop])
      var given = ""
      for character in text { given += matcher.append(String(character)).text }
      #expect(!given.contains(stop), "seed \(seed), stop \(stop), text \(text)")
      #expect(text.hasPrefix(given))
    }
  }

  @Test("Counts and lengths are bounded")
  func limits() throws {
    let longest = String(repeating: "x", count: StopStringMatcher.maximumLengthBytes)
    let most = Array(repeating: longest, count: StopStringMatcher.maximumCount)
    #expect(throws: Never.self) { try StopStringMatcher(stopStrings: most) }
    for bad in [most + ["x"], [longest + "x"], ["a", ""], ["é" + longest.dropLast()]] {
      let error = #expect(throws: MeshError.self) { try StopStringMatcher(stopStrings: bad) }
      #expect(error?.code == .invalidArgument)
      #expect(error?.field == "stop")
    }
  }
}
