import Grammars
import MeshTypes
import TestSupport
import Testing

/// A vocabulary for tests: every byte, random pieces of texts, and some that mean the same.
struct TestVocabulary {
  static let end: TokenID = 0
  static let control: TokenID = 1
  let pieces: [[UInt8]]
  let tree: TokenTree

  init(_ texts: [String], _ generator: inout SeededGenerator, count: Int = 300) {
    var pieces: [[UInt8]] = [[], Array("<control>".utf8)]
    pieces += (0...UInt8.max).map { [$0] }
    let bytes = texts.map { Array($0.utf8) }.filter { !$0.isEmpty }
    for _ in 0..<count {
      guard let text = bytes.randomElement(using: &generator) else { break }
      let start = Int.random(in: 0..<text.count, using: &generator)
      let length = Int.random(in: 1...6, using: &generator)
      pieces.append(Array(text[start..<min(text.count, start + length)]))
    }
    self.pieces = pieces
    tree = TokenTree(vocabularySize: pieces.count, endTokenIDs: [Self.end]) {
      $0 == Self.control ? nil : pieces[Int($0)][...]
    }
  }
}

@Suite("Token masks")
struct TokenMaskTests {
  static let sources: [(StructuredOutput, [String])] = [
    (.regularExpression("(?:ab|a[bc]{2,4}|é+)*d?"), ["abababcbcd", "éééd"]),
    (.gbnf(#"root ::= "(" root ")" root | [a-z]*"#), ["((a)b)((", "xyz)"]),
    (
      .jsonSchema(
        #"{"type":"object","properties":{"name":{"type":"string"},"n":{"type":"integer"}},"additionalProperties":{}}"#
      ),
      [#"{"name": "größe", "n": -12, "other": [1.5e3, {"a": null}]}"#, "{\n  \"n\": 5\n}"]
    ),
    (.jsonSchema("{}"), [#"[[{"a":[true,false,"\"\u00e9"]}]]"#]),
  ]

  @Test("hold just the tokens that the grammar accepts one by one", arguments: 0..<4)
  func bruteForce(index: Int) throws {
    var generator = SeededGenerator(seed: UInt64(index) + 1)
    let (source, texts) = Self.sources[index]
    var limits = GrammarLimits()
    limits.stackDepth = 12
    let grammar = try Grammar(compiling: source, limits: limits)
    let vocabulary = TestVocabulary(texts, &generator)
    // One that forgets all the time must answer the same.
    var masks = GrammarMasks(grammar, tokens: vocabulary.tree)
    var forgetful = GrammarMasks(grammar, tokens: vocabulary.tree, cacheBytes: 0)
    var count = 0
    for _ in 0..<12 {
      var matcher = masks.start()
      var other = forgetful.start()
      for _ in 0..<40 {
        let mask = try masks.mask(for: &matcher)
        #expect(try forgetful.mask(for: &other) == mask)
        for id in 0..<TokenID(vocabulary.pieces.count) {
          var copy = matcher
          #expect(masks.accept(id, &copy) == mask.contains(id), "token \(id), seed \(index + 1)")
          count += 1
        }
        #expect(!mask.contains(TestVocabulary.control))
        let allowed = (0..<TokenID(vocabulary.pieces.count)).filter(mask.contains)
        // Long tokens first, as a model would have it; otherwise each is as likely.
        let longest = allowed.max {
          vocabulary.pieces[Int($0)].count < vocabulary.pieces[Int($1)].count
        }
        let next =
          Bool.random(using: &generator) ? longest : allowed.randomElement(using: &generator)
        let id = try #require(next)
        #expect(masks.accept(id, &matcher))
        #expect(forgetful.accept(id, &other))
        if matcher.hasEnded { break }
      }
    }
    #expect(count > 10_000)
  }

  @Test("end a generation just where the text may end, and then allow nothing else")
  func ends() throws {
    var generator = SeededGenerator(seed: 5)
    let grammar = try Grammar(compiling: .regularExpression("ab?"))
    let vocabulary = TestVocabulary([], &generator)
    var masks = GrammarMasks(grammar, tokens: vocabulary.tree)
    var matcher = masks.start()
    let (a, b) = (TokenID(2 + 0x61), TokenID(2 + 0x62))
    func allowed() throws -> [TokenID] {
      let mask = try masks.mask(for: &matcher)
      return (0..<TokenID(vocabulary.pieces.count)).filter(mask.contains)
    }
    #expect(try allowed() == [a])
    #expect(!masks.accept(TestVocabulary.end, &matcher))
    #expect(masks.accept(a, &matcher))
    #expect(try allowed() == [TestVocabulary.end, b])
    #expect(masks.accept(TestVocabulary.end, &matcher))
    #expect(matcher.hasEnded)
    #expect(try allowed() == [TestVocabulary.end])
    #expect(!masks.accept(b, &matcher))
    #expect(masks.accept(TestVocabulary.end, &matcher))
  }

  @Test("an error tells that no token leads on")
  func deadEnd() throws {
    let grammar = try Grammar(compiling: .regularExpression("é"))
    let tree = TokenTree(vocabularySize: 2, endTokenIDs: [0]) { $0 == 1 ? [0xC3] : nil }
    var masks = GrammarMasks(grammar, tokens: tree)
    var matcher = masks.start()
    #expect(masks.accept(1, &matcher))
    let error = #expect(throws: MeshError.self) { try masks.mask(for: &matcher) }
    #expect(error?.code == .failedPrecondition)
    #expect(error?.field == "structured_output.regex")
  }

  @Test("what nests deeper than the limit is not part of the language")
  func depth() throws {
    var limits = GrammarLimits()
    limits.stackDepth = 8
    let grammar = try Grammar(
      compiling: .gbnf(#"root ::= "(" root ")" | "x""#),
      limits: limits
    )
    func nested(_ depth: Int) -> [UInt8] {
      Array(
        (String(repeating: "(", count: depth) + "x" + String(repeating: ")", count: depth)).utf8
      )
    }
    #expect(grammar.accepts(nested(8)))
    #expect(!grammar.accepts(nested(9)))
  }

  @Test("are not looked for longer than the limit, and what was cut short is not kept")
  func work() throws {
    var limits = GrammarLimits()
    limits.maskWorkUnits = 300
    let costly = try Grammar(
      compiling: .regularExpression("x(?:.*a.{40})*|y"),
      limits: limits
    )
    var generator = SeededGenerator(seed: 6)
    let vocabulary = TestVocabulary(["aabaaabbaaab", "bababbaaaaa"], &generator)
    var masks = GrammarMasks(costly, tokens: vocabulary.tree)
    var matcher = masks.start()
    #expect(masks.accept(TokenID(2 + 0x78), &matcher))
    let error = #expect(throws: MeshError.self) { try masks.mask(for: &matcher) }
    #expect(error?.code == .resourceExhausted)
    // What was found is kept, so that trying again comes to an end, with the right answer.
    var found: TokenMask?
    for _ in 0..<10_000 where found == nil { found = try? masks.mask(for: &matcher) }
    var unlimited = GrammarMasks(
      try Grammar(compiling: .regularExpression("x(?:.*a.{40})*|y")),
      tokens: vocabulary.tree
    )
    var same = unlimited.start()
    #expect(unlimited.accept(TokenID(2 + 0x78), &same))
    #expect(found == (try unlimited.mask(for: &same)))
    // Others of the same grammar go on.
    var other = masks.start()
    #expect(try masks.mask(for: &other).contains(TokenID(2 + 0x79)))
  }

  @Test("a rule that ends with itself needs no depth")
  func tailCalls() throws {
    let grammar = try Grammar(compiling: .gbnf(#"root ::= [a-z] root | "!""#))
    #expect(grammar.accepts(Array((String(repeating: "a", count: 10_000) + "!").utf8)))
  }
}
