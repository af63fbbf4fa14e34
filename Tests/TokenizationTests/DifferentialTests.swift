import Foundation
import MeshTypes
import TestSupport
import Testing
import Tokenization

/// Compares with Hugging Face `tokenizers` (`Fixtures/differential.py`).
///
/// `WEFT_DIFFERENTIAL_COUNT` strings for each pre-tokenizer, 2000 by default; with 10 000 or more
/// also every assigned character. `WEFT_DIFFERENTIAL_SEED` changes the strings, `WEFT_PYTHON` the
/// interpreter.
@Suite("The same as Hugging Face tokenizers")
struct DifferentialTests {
  private struct Oracle: Decodable {
    struct Encoding: Decodable {
      var text: String
      var recognised: [TokenID]
      var plain: [TokenID]
      /// Nil if it equals `text`.
      var decoded: String?
    }

    struct Decoding: Decodable {
      var ids: [TokenID]
      var text: String
      /// Without special tokens.
      var skipping: String
    }

    var added: [String]
    var encodings: [Encoding]
    var decodings: [Decoding]
  }

  @Test("Encoding and decoding", arguments: PreTokenizer.allCases)
  func agree(_ preTokenizer: PreTokenizer) throws {
    let environment = ProcessInfo.processInfo.environment
    let count = Int(environment["WEFT_DIFFERENTIAL_COUNT"] ?? "") ?? 2000
    let seed = environment["WEFT_DIFFERENTIAL_SEED"] ?? "1"
    let oracle = try ask(preTokenizer, count: count, seed: seed)
    try #require(oracle.encodings.count >= count)

    var description = try DefaultModel.description()
    description.preTokenizer = preTokenizer.rawValue
    description.tokens += oracle.added
    description.tokenTypes += Array(repeating: .userDefined, count: oracle.added.count)
    let tokenizer = try Tokenizer(description)

    var differences: [String] = []
    for expected in oracle.encodings where differences.count < 5 {
      differences += try differencesInEncoding(expected, tokenizer)
    }
    for expected in oracle.decodings where differences.count < 10 {
      differences += try differencesInDecoding(expected, tokenizer)
    }
    #expect(differences.isEmpty, "seed \(seed)\n\(differences.joined(separator: "\n"))")
  }

  private func differencesInEncoding(
    _ expected: Oracle.Encoding,
    _ tokenizer: Tokenizer
  ) throws -> [String] {
    let text = expected.text.debugDescription
    var differences: [String] = []
    let recognised = tokenizer.encode(expected.text, .recognised)
    if recognised != expected.recognised {
      differences.append("\(text) recognised: \(recognised), expected \(expected.recognised)")
    }
    let plain = tokenizer.encode(expected.text, .plainText)
    if plain != expected.plain {
      differences.append("\(text) plain: \(plain), expected \(expected.plain)")
    }
    let decoded = try tokenizer.decode(recognised, skipsSpecialTokens: false)
    if !decoded.utf8.elementsEqual((expected.decoded ?? expected.text).utf8) {
      differences.append("\(text) decodes to \(decoded.debugDescription)")
    }
    return differences
  }

  private func differencesInDecoding(
    _ expected: Oracle.Decoding,
    _ tokenizer: Tokenizer
  ) throws -> [String] {
    var differences: [String] = []
    for (skips, text) in [(false, expected.text), (true, expected.skipping)] {
      var decoder = IncrementalDecoder(tokenizer: tokenizer, skipsSpecialTokens: skips)
      let parts = try expected.ids.map { try decoder.append($0) } + [decoder.finish()]
      let whole = try tokenizer.decode(expected.ids, skipsSpecialTokens: skips)
      for (name, decoded) in [("incremental", parts.joined()), ("whole", whole)]
      where !decoded.utf8.elementsEqual(text.utf8) {
        differences.append(
          "\(expected.ids) \(name), skipping \(skips): \(decoded.debugDescription),"
            + " expected \(text.debugDescription)"
        )
      }
    }
    return differences
  }

  private func ask(_ preTokenizer: PreTokenizer, count: Int, seed: String) throws -> Oracle {
    let output = FileManager.default.temporaryDirectory
      .appendingPathComponent("weft-differential-\(UUID().uuidString).json")
    defer { try? FileManager.default.removeItem(at: output) }
    let python = Process()
    python.executableURL = URL(fileURLWithPath: TestEnvironment.python)
    python.arguments = [
      Fixture.path("differential.py"), DefaultModel.path, preTokenizer.rawValue, String(count),
      seed, output.path,
    ]
    try python.run()
    python.waitUntilExit()
    try #require(python.terminationStatus == 0)
    return try JSONDecoder().decode(Oracle.self, from: Data(contentsOf: output))
  }
}
