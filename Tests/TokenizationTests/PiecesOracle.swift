import Foundation
import MeshTypes
import TestSupport
import Testing
import Tokenization

/// What SentencePiece or Hugging Face's `tokenizers` say (`Fixtures/pieces.py`).
struct PiecesOracle: Decodable {
  struct Encoding: Decodable {
    var text: String
    var recognised: [TokenID]
    /// Nil: no answer that compares.
    var plain: [TokenID]?
    /// With the special tokens around it.
    var whole: [TokenID]?
    var decoded: String?
  }

  struct Decoding: Decodable {
    var ids: [TokenID]
    var text: String?
    /// Without special tokens.
    var skipping: String
  }

  /// A SentencePiece model's.
  struct Vocabulary: Decodable {
    var tokens: [String]
    var types: [Int32]
    var scores: [Double]
    var begin: Int
    var unknown: Int
    var prefix: Bool
    var collapses: Bool
    var isUnigram: Bool
  }

  var vocabulary: Vocabulary?
  var encodings: [Encoding]
  var decodings: [Decoding]

  /// Strings for each tokenizer: `WEFT_DIFFERENTIAL_COUNT`, 1000 by default.
  static let count = TestEnvironment.variable("WEFT_DIFFERENTIAL_COUNT") ?? "1000"
  /// `WEFT_DIFFERENTIAL_SEED` changes the strings.
  static let seed = TestEnvironment.variable("WEFT_DIFFERENTIAL_SEED") ?? "1"

  /// Asks about a tokenizer.
  ///
  /// - Parameter kind: `huggingface` or `sentencepiece`.
  static func ask(_ kind: String, _ path: String) throws -> Self {
    let output = FileManager.default.temporaryDirectory
      .appendingPathComponent("weft-pieces-\(UUID().uuidString).json")
    defer { try? FileManager.default.removeItem(at: output) }
    let python = Process()
    python.executableURL = URL(fileURLWithPath: TestEnvironment.python)
    python.arguments = [Fixture.path("pieces.py"), kind, path, count, seed, output.path]
    try python.run()
    python.waitUntilExit()
    try #require(python.terminationStatus == 0)
    return try JSONDecoder().decode(Self.self, from: Data(contentsOf: output))
  }

  /// Where a tokenizer says something else, at most ten times.
  func differences(from tokenizer: Tokenizer) throws -> [String] {
    var differences: [String] = []
    for expected in encodings where differences.count < 5 {
      differences += try Self.differences(expected, tokenizer)
    }
    for expected in decodings where differences.count < 10 {
      differences += try Self.differences(expected, tokenizer)
    }
    return differences
  }

  private static func differences(
    _ expected: Encoding,
    _ tokenizer: Tokenizer
  ) throws -> [String] {
    var differences: [String] = []
    func compare(_ name: String, _ found: [TokenID], _ wanted: [TokenID]?) {
      guard let wanted, found != wanted else { return }
      let start = zip(found, wanted).prefix { $0 == $1 }.count
      func shown(_ ids: [TokenID]) -> [String?] {
        ids.dropFirst(max(0, start - 2)).prefix(8).map { tokenizer.token(of: $0) }
      }
      differences.append(
        "\(expected.text.prefix(200).debugDescription) \(name) from \(start): "
          + "\(shown(found)), expected \(shown(wanted))"
      )
    }
    let recognised = tokenizer.encode(expected.text, .recognised)
    compare("recognised", recognised, expected.recognised)
    compare("plain", tokenizer.encode(expected.text, .plainText), expected.plain)
    let whole = tokenizer.encode(
      expected.text,
      specialTokens: .recognised,
      addsBeginOfSequence: tokenizer.addsBeginOfSequence
    )
    compare("whole", whole, expected.whole)
    if let wanted = expected.decoded {
      let decoded = try tokenizer.decode(recognised, skipsSpecialTokens: false)
      if !decoded.utf8.elementsEqual(wanted.utf8) {
        differences.append(
          "\(expected.text.debugDescription) decodes to \(decoded.debugDescription),"
            + " expected \(wanted.debugDescription)"
        )
      }
    }
    return differences
  }

  private static func differences(
    _ expected: Decoding,
    _ tokenizer: Tokenizer
  ) throws -> [String] {
    var differences: [String] = []
    for (skips, text) in [(false, expected.text), (true, expected.skipping)] {
      guard let text else { continue }
      var decoder = IncrementalDecoder(tokenizer: tokenizer, skipsSpecialTokens: skips)
      let parts = try expected.ids.map { try decoder.append($0) } + [decoder.finish()]
      let whole = try tokenizer.decode(expected.ids, skipsSpecialTokens: skips)
      for (name, decoded) in [("incremental", parts.joined()), ("whole", whole)]
      where !brokenRunsJoined(decoded).utf8.elementsEqual(brokenRunsJoined(text).utf8) {
        differences.append(
          "\(expected.ids) \(name), skipping \(skips): \(decoded.debugDescription),"
            + " expected \(text.debugDescription)"
        )
      }
    }
    return differences
  }

  /// Libraries write one U+FFFD for each broken byte, or one for several.
  private static func brokenRunsJoined(_ text: String) -> String {
    var scalars = String.UnicodeScalarView()
    for scalar in text.unicodeScalars where scalar != "\u{FFFD}" || scalars.last != scalar {
      scalars.append(scalar)
    }
    return String(scalars)
  }
}
