import Foundation
import MeshTypes
import TestSupport
import Testing
import Tokenization

/// llama.cpp's tokens for the default model (`Fixtures/tokenize.json`).
@Suite("Golden tokens of the default model")
struct GoldenTests {
  struct Case: Decodable, Sendable, CustomTestStringConvertible {
    var text: String
    var idsParseSpecial: [TokenID]
    var idsNoParseSpecial: [TokenID]

    var testDescription: String { text.debugDescription }
  }

  static let cases: [Case] = {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    let contents = FileManager.default.contents(atPath: Fixture.path("tokenize.json")) ?? Data()
    return (try? decoder.decode([Case].self, from: contents)) ?? []
  }()

  @Test("The fixture has all its cases")
  func fixtureIsComplete() {
    #expect(Self.cases.count == 12)
  }

  @Test("Ids are those of llama.cpp", arguments: cases)
  func ids(_ golden: Case) throws {
    let tokenizer = try DefaultModel.tokenizer()
    #expect(tokenizer.encode(golden.text, .recognised) == golden.idsParseSpecial)
    #expect(tokenizer.encode(golden.text, .plainText) == golden.idsNoParseSpecial)
  }

  @Test("Decoding gives the text back", arguments: cases)
  func roundTrip(_ golden: Case) throws {
    let tokenizer = try DefaultModel.tokenizer()
    for ids in [golden.idsParseSpecial, golden.idsNoParseSpecial] {
      let decoded = try tokenizer.decode(ids, skipsSpecialTokens: false)
      #expect(Array(decoded.utf8) == Array(golden.text.utf8))
    }
  }
}
