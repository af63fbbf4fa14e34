import MeshTypes
import TestSupport
import Testing
import Transformer

@Suite("Guesses from a text itself")
struct PromptLookupTests {
  private func guesses(after text: [TokenID], _ limit: Int = 4) -> [TokenID] {
    var tokens = text
    let count = PromptLookup.extend(&tokens, by: limit)
    #expect(tokens.prefix(text.count).elementsEqual(text))
    #expect(tokens.count == text.count + count)
    return Array(tokens.dropFirst(text.count))
  }

  @Test("What followed the same three tokens before may follow again")
  func repetition() {
    #expect(guesses(after: [1, 2, 3, 7, 8, 9, 10, 1, 2, 3]) == [7, 8, 9, 10])
    #expect(guesses(after: [1, 2, 3, 7, 8, 9, 10, 1, 2, 3], 2) == [7, 8])
  }

  @Test("Where nothing is like the end, nothing is guessed; two equal tokens are chance")
  func nothing() {
    #expect(guesses(after: [1, 2, 3, 4, 5, 6, 7]).isEmpty)
    #expect(guesses(after: [2, 3, 7, 8, 9, 10, 2, 3]).isEmpty)
    #expect(guesses(after: [9, 2, 3, 7, 8, 9, 10, 1, 2, 3]).isEmpty)
    for text in [[], [1], [1, 1], [1, 1, 1]] as [[TokenID]] {
      #expect(guesses(after: text).isEmpty)
    }
    #expect(guesses(after: [1, 2, 3, 7, 1, 2, 3], 0).isEmpty)
  }

  @Test("The longer match counts more than the later one; of equals the later one")
  func choice() {
    let long: [TokenID] = [1, 2, 3, 4, 50], short: [TokenID] = [9, 2, 3, 4, 60]
    #expect(guesses(after: long + short + [1, 2, 3, 4], 1) == [50])
    #expect(guesses(after: short + long + [8, 2, 3, 4], 1) == [50])
    #expect(guesses(after: long + short + [8, 2, 3, 4], 1) == [60])
  }

  @Test("A short period goes on beyond the text's end")
  func period() {
    #expect(guesses(after: [5, 6, 5, 6, 5, 6], 5) == [5, 6, 5, 6, 5])
    #expect(guesses(after: [3, 3, 3, 3], 3) == [3, 3, 3])
  }

  @Test("They are those that a plain search finds", arguments: 0..<300 as Range<UInt64>)
  func plainSearch(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    let kinds = TokenID.random(in: 2...6, using: &random)
    let text = (0..<Int.random(in: 0...60, using: &random)).map { _ in
      TokenID.random(in: 0..<kinds, using: &random)
    }
    var best = (length: 2, place: 0)
    for place in stride(from: 1, to: text.count, by: 1) {
      var length = 0
      while length < min(6, place), text[place - 1 - length] == text[text.count - 1 - length] {
        length += 1
      }
      if length >= max(3, best.length) { best = (length, place) }
    }
    let expected = best.place > 0 ? Array(text[best.place...].prefix(3)) : []
    #expect(guesses(after: text, 3).starts(with: expected), "seed \(seed)")
    #expect(guesses(after: text, 3).isEmpty == expected.isEmpty, "seed \(seed)")
  }
}

@Suite("How much is guessed")
struct DraftPaceTests {
  /// Slices with guesses among so many, each of which is right or wrong.
  private func guessed(_ slices: Int, _ pace: inout DraftPace, isRight: Bool) -> Int {
    var count = 0
    for _ in 0..<slices {
      let length = pace.next(limit: 8)
      pace.observe(drafted: length, accepted: isRight ? length : 0)
      if length > 0 { count += 1 }
    }
    return count
  }

  @Test("Right guesses become more, up to the limit")
  func right() {
    var pace = DraftPace()
    let lengths = (0..<4).map { _ in
      let length = pace.next(limit: 8)
      pace.observe(drafted: length, accepted: length)
      return length
    }
    #expect(lengths == [2, 4, 8, 8])
    #expect(pace.next(limit: 3) == 3)
  }

  @Test("Where guesses are wrong there are hardly any, but never none for good")
  func wrong() {
    var pace = DraftPace()
    #expect((1...12).contains(guessed(100, &pace, isRight: false)))
    #expect((1...6).contains(guessed(200, &pace, isRight: false)))
    #expect(guessed(200, &pace, isRight: true) > 60)
    #expect(guessed(200, &pace, isRight: true) == 200)
  }

  @Test("The more sequences wait for them, the more of the guesses must be right")
  func sequences() {
    func guessed(among sequences: Int) -> Int {
      var pace = DraftPace(), count = 0
      for slice in 0..<100 {
        let length = pace.next(limit: 8)
        if length > 0 { count += 1 }
        // Every third slice's first guess.
        pace.observe(
          drafted: length,
          accepted: slice % 3 == 0 ? min(1, length) : 0,
          sequences: sequences
        )
      }
      return count
    }
    #expect(guessed(among: 1) > 2 * guessed(among: 8))
    #expect(guessed(among: 8) > 2)
  }

  @Test("Guesses that are right in part are as many as were right, and one")
  func part() {
    var pace = DraftPace()
    pace.observe(drafted: 8, accepted: 3)
    #expect(pace.next(limit: 8) == 4)
    pace.observe(drafted: 4, accepted: 1)
    #expect(pace.next(limit: 8) == 2)
  }

  @Test("A slice without guesses says nothing")
  func none() {
    var pace = DraftPace()
    for _ in 0..<100 { pace.observe(drafted: 0, accepted: 0) }
    #expect(pace == DraftPace())
  }
}
