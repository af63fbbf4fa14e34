import MeshTypes
import TestSupport
import Testing
import Tokenization

@Suite("Merging")
struct BytePairMergerTests {
  /// Finds the most wanted pair anew after every merge, as the definition says. O(n²).
  private func naivelyMerged(_ text: String, _ ranks: [String: Int]) -> [String] {
    var tokens = text.map { String($0) }
    while true {
      let pairs = zip(tokens, tokens.dropFirst()).enumerated().compactMap { index, pair in
        ranks["\(pair.0) \(pair.1)"].map { (rank: $0, index: index) }
      }
      guard let best = pairs.min(by: { ($0.rank, $0.index) < ($1.rank, $1.index) }) else {
        return tokens
      }
      tokens.replaceSubrange(
        best.index...best.index + 1,
        with: [tokens[best.index] + tokens[best.index + 1]]
      )
    }
  }

  /// Merges of random tokens of at most six letters.
  private func randomMerges(_ generator: inout SeededGenerator) -> [String] {
    var tokens = ["a", "b", "c"]
    var merges: [String] = []
    for _ in 0..<Int.random(in: 1...40, using: &generator) {
      let left = tokens.randomElement(using: &generator)!
      let right = tokens.randomElement(using: &generator)!
      guard left.count + right.count <= 6, !tokens.contains(left + right) else { continue }
      tokens.append(left + right)
      merges.append("\(left) \(right)")
    }
    return merges
  }

  @Test("The same as merging by the definition", arguments: [1 as UInt64, 2, 3, 4])
  func definition(_ seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    for _ in 0..<50 {
      let merges = randomMerges(&generator)
      let tokenizer = try Tokenizer(SmallVocabulary.description(merges: merges))
      let ranks = Dictionary(uniqueKeysWithValues: merges.enumerated().map { ($1, $0) })
      for _ in 0..<20 {
        let length = Int.random(in: 0...60, using: &generator)
        let text = String((0..<length).map { _ in "abc".randomElement(using: &generator)! })
        #expect(
          tokenizer.tokens(text) == naivelyMerged(text, ranks),
          "seed \(seed), merges \(merges)"
        )
      }
    }
  }

  @Test("A megabyte in one piece ends, and gives the text back", arguments: ["a", " ", "=", "ab"])
  func longPiece(_ run: String) throws {
    let tokenizer = try DefaultModel.tokenizer()
    let text = String(repeating: run, count: 1_000_000 / run.utf8.count)
    let ids = tokenizer.encode(text)
    #expect(ids.count < 1_000_000)
    #expect(try tokenizer.decode(ids, skipsSpecialTokens: false) == text)
  }

  @Test("A megabyte of what nearly are special tokens ends")
  func nearlySpecialTokens() throws {
    let tokenizer = try DefaultModel.tokenizer()
    let text = String(repeating: "<|im_star", count: 110_000)
    #expect(try tokenizer.decode(tokenizer.encode(text), skipsSpecialTokens: true) == text)
  }
}
