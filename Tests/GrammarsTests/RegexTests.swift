import Foundation
import Grammars
import MeshTypes
import TestSupport
import Testing

@Suite("Regular expressions")
struct RegexTests {
  /// A random expression over a few characters, spelt so that ICU reads it alike.
  private static func expression(_ depth: Int, _ generator: inout SeededGenerator) -> String {
    let atoms = [
      "a", "b", "c", "[ab]", "[^a]", "[a-c]", ".", "\\d", "\\w", "[^\\d]", "é", "\\u00e9", "😀",
      "[é-ü]", "\\.", "[\\]\\-]", "\\x61",
    ]
    guard depth > 0 else { return atoms.randomElement(using: &generator)! }
    func part() -> String { expression(depth - 1, &generator) }
    switch Int.random(in: 0..<9, using: &generator) {
    case 0, 1: return part() + part()
    case 2: return "(?:\(part())|\(part()))"
    case 3: return "(\(part()))*"
    case 4: return "(?:\(part()))+?"
    case 5:
      return "(?<name>\(part()))?".replacing("name", with: "n\(generator.next() % 1_000_000_000)")
    case 6: return "(?:\(part())){1,3}"
    case 7: return "(?:\(part())){2}"
    default: return part()
    }
  }

  /// ICU's matcher of whole texts. Its `\d` and `\w` are Unicode's, and its lazy quantifiers do not
  /// find all matches of what may be empty.
  private static func oracle(_ pattern: String) throws -> NSRegularExpression {
    let ascii = pattern.replacing(#"[^\d]"#, with: "[^0-9]").replacing(#"\d"#, with: "[0-9]")
      .replacing(#"\w"#, with: "[A-Za-z0-9_]").replacing("+?", with: "+")
    return try NSRegularExpression(pattern: #"\A(?:\#(ascii))\z"#)
  }

  private static func text(_ generator: inout SeededGenerator) -> String {
    let count = Int.random(in: 0...6, using: &generator)
    return (0..<count).map { _ in
      ["a", "b", "c", "1", "9", "é", "ü", "😀", ".", "]", "-", "\n", "_"].randomElement(
        using: &generator
      )!
    }.joined()
  }

  @Test("match what ICU matches", arguments: 1...8)
  func againstICU(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    var matches = 0
    for _ in 0..<100 {
      let pattern = (0..<3).map { _ in Self.expression(2, &generator) }.joined()
      let grammar = try Grammar(compiling: .regularExpression(pattern))
      let oracle = try Self.oracle(pattern)
      for _ in 0..<40 {
        let text = Self.text(&generator)
        let range = NSRange(text.startIndex..., in: text)
        let expected = oracle.firstMatch(in: text, range: range) != nil
        matches += expected ? 1 : 0
        #expect(
          grammar.accepts(Array(text.utf8)) == expected,
          "\(pattern) on \(text.debugDescription), seed \(seed)"
        )
      }
    }
    #expect(matches > 100)
  }

  @Test("every text along masks matches", arguments: 1...3)
  func walks(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    for _ in 0..<200 {
      let pattern = Self.expression(2, &generator)
      let grammar = try Grammar(compiling: .regularExpression(pattern))
      let oracle = try Self.oracle(pattern)
      let vocabulary = TestVocabulary(["abcab1", "é😀ü", "a.b-]"], &generator, count: 60)
      var masks = GrammarMasks(grammar, tokens: vocabulary.tree)
      // One that does not come to an end by chance tells nothing.
      guard let walk = try masks.walk(vocabulary, 2000, &generator) else { continue }
      let text = try #require(String(validating: walk, as: UTF8.self))
      // ICU tries all ways through nested repetitions, of which long texts have too many.
      guard text.unicodeScalars.count <= 10 else { continue }
      // ICU has more line ends than ECMA-262, which a dot does not match.
      guard !text.unicodeScalars.contains(where: { [0x0B, 0x0C, 0x85].contains($0.value) }) else {
        continue
      }
      let range = NSRange(text.startIndex..., in: text)
      #expect(oracle.firstMatch(in: text, range: range) != nil, "\(pattern): \(text)")
    }
  }

  @Test("read what several dialects have in common")
  func syntax() throws {
    let accepted: [(String, [String], [String])] = [
      ("^abc$", ["abc"], ["ab", "abcd"]),
      ("^a|b$", ["a", "b"], ["ab"]),
      ("a{2,}", ["aa", "aaaa"], ["a"]),
      (#"\s\S"#, [" a", "\u{00A0}a"], ["aa", "\u{00A0}\u{00A0}"]),
      (#"[\w.-]+@x\.de"#, ["a.b-c@x.de"], ["@x.de", "a@xxde"]),
      ("(?P<year>[0-9]{4})", ["2025"], ["205"]),
      (#"\u{1F600}\uD83D\uDE00"#, ["😀😀"], ["😀"]),
      ("", [""], ["a"]),
      ("a||b", ["", "a", "b"], ["ab"]),
      (#"[^\s\S]|x"#, ["x"], [""]),
      (#"\/\-\$"#, ["/-$"], []),
    ]
    for (pattern, matching, others) in accepted {
      let grammar = try Grammar(compiling: .regularExpression(pattern))
      for text in matching { #expect(grammar.accepts(Array(text.utf8)), "\(pattern): \(text)") }
      for text in others { #expect(!grammar.accepts(Array(text.utf8)), "\(pattern): \(text)") }
    }
  }

  @Test("refuse what cannot be enforced, and say where")
  func errors() {
    let refused: [(String, MeshError.Code, String)] = [
      (#"(a)\1"#, .unimplemented, "at character 3"),
      ("a(?=b)", .unimplemented, "at character 1"),
      ("(?<!a)b", .unimplemented, "at character 0"),
      ("(?i)a", .unimplemented, "at character 0"),
      (#"\bword"#, .unimplemented, "at character 0"),
      ("a^b", .unimplemented, "at character 1"),
      ("a$b", .unimplemented, "at character 2"),
      ("[[:alpha:]]", .unimplemented, "at character 1"),
      ("a++", .unimplemented, "at character 2"),
      (#"\p{L}"#, .unimplemented, "at character 0"),
      ("(ab", .invalidArgument, "at character 0"),
      ("ab)", .invalidArgument, "at character 2"),
      ("[ab", .invalidArgument, "at character 0"),
      ("[b-a]", .invalidArgument, "at character 4"),
      ("*a", .invalidArgument, "at character 0"),
      ("a**", .invalidArgument, "at character 2"),
      ("{a}", .invalidArgument, "at character 0"),
      ("a{3,2}", .invalidArgument, "3 is more than 2"),
      ("a{10001}", .outOfRange, "0...10000"),
      ("(?:a{10000}){10000}", .outOfRange, "at most"),
      ("[^\\s\\S]", .invalidArgument, "allows none"),
      (String(repeating: "(", count: 65) + String(repeating: ")", count: 65), .outOfRange, "64"),
      (String(repeating: "a", count: 1 << 19), .outOfRange, "bytes"),
    ]
    for (pattern, code, message) in refused {
      let error = #expect(throws: MeshError.self) {
        try Grammar(compiling: .regularExpression(pattern))
      }
      #expect(error?.code == code, "\(pattern.prefix(40)): \(String(describing: error))")
      #expect(error?.message.contains(message) == true, "\(String(describing: error))")
      #expect(error?.field == "structured_output.regex")
    }
  }
}

extension GrammarMasks {
  /// The bytes of a random text along masks; nil if it takes more than `limit` tokens.
  mutating func walk(
    _ vocabulary: TestVocabulary,
    _ limit: Int,
    _ generator: inout SeededGenerator
  ) throws -> [UInt8]? {
    var matcher = start()
    var bytes: [UInt8] = []
    for _ in 0..<limit {
      let mask = try mask(for: &matcher)
      let mayEnd = mask.contains(TestVocabulary.end)
      let allowed = (0..<TokenID(vocabulary.pieces.count)).filter(mask.contains)
      // Towards an end sooner or later.
      let id =
        mayEnd && generator.next() % 8 == 0
        ? TestVocabulary.end : allowed.randomElement(using: &generator)!
      guard accept(id, &matcher) else { return nil }
      if matcher.hasEnded { return bytes }
      bytes += vocabulary.pieces[Int(id)]
    }
    return nil
  }
}
