import MeshTypes
import TestSupport
import Testing
import Tokenization

@Suite("IncrementalDecoder")
struct IncrementalDecoderTests {
  private static let text = "a£ह€한𐍈👩\u{200D}👧\u{FFFD}\u{7FF}\u{800}\u{FFFF}\u{10000}\u{10FFFF}"

  /// Tokens 0..<256 are the bytes; 256 is `<end>`.
  private func tokenizer() throws -> Tokenizer {
    try Tokenizer(SmallVocabulary.description(added: [("<end>", .control)]))
  }

  @Test("Text comes out when its characters are complete, no sooner and no later")
  func characterByCharacter() throws {
    var decoder = IncrementalDecoder(tokenizer: try tokenizer(), skipsSpecialTokens: true)
    for scalar in Self.text.unicodeScalars {
      let bytes = Array(String(Character(scalar)).utf8)
      for byte in bytes.dropLast() { #expect(try decoder.append(TokenID(byte)) == "") }
      let part = try decoder.append(TokenID(bytes.last!))
      #expect(part.unicodeScalars.elementsEqual([scalar]))
    }
    #expect(decoder.finish() == "")
  }

  @Test("Cut at any place, the parts are valid and together the text")
  func everySplit() throws {
    let bytes = Array(Self.text.utf8)
    for cut in 0...bytes.count {
      var decoder = IncrementalDecoder(tokenizer: try tokenizer(), skipsSpecialTokens: true)
      let before = try bytes[..<cut].map { try decoder.append(TokenID($0)) }.joined()
      let after = try bytes[cut...].map { try decoder.append(TokenID($0)) }.joined()
      #expect(Array((before + after + decoder.finish()).utf8) == bytes)
      #expect(Self.text.unicodeScalars.starts(with: before.unicodeScalars))
    }
  }

  @Test("A character left incomplete becomes one U+FFFD at the end")
  func incompleteEnd() throws {
    for bytes: [TokenID] in [[0xC3], [0xE2, 0x82], [0xF0, 0x9F, 0x91]] {
      var decoder = IncrementalDecoder(tokenizer: try tokenizer(), skipsSpecialTokens: true)
      #expect(try bytes.map { try decoder.append($0) }.joined() == "")
      #expect(decoder.finish() == "\u{FFFD}")
      #expect(decoder.finish() == "")
    }
  }

  @Test("Bytes that can never become a character do not wait")
  func hopelessBytes() throws {
    for bytes: [TokenID] in [[0xFF], [0xC0], [0x80], [0xF5]] {
      var decoder = IncrementalDecoder(tokenizer: try tokenizer(), skipsSpecialTokens: true)
      #expect(try bytes.map { try decoder.append($0) }.joined() == "\u{FFFD}")
    }
    for bytes: [TokenID] in [[0xE0, 0x80], [0xED, 0xA0], [0xF0, 0x8F], [0xF4, 0x90]] {
      var decoder = IncrementalDecoder(tokenizer: try tokenizer(), skipsSpecialTokens: true)
      #expect(try bytes.map { try decoder.append($0) }.joined() == "\u{FFFD}\u{FFFD}")
    }
  }

  @Test("The parts are what decoding all tokens gives", arguments: [1 as UInt64, 2, 3, 4])
  func sameAsDecodingAll(_ seed: UInt64) throws {
    let tokenizer = try tokenizer()
    var generator = SeededGenerator(seed: seed)
    let leads: [ClosedRange<TokenID>] = [
      0x80...0xBF, 0x80...0xBF, 0xC0...0xDF, 0xE0...0xEF, 0xF0...0xFF, 0x61...0x7A, 0...256,
    ]
    for _ in 0..<2000 {
      let ids = (0..<Int.random(in: 0...12, using: &generator)).map { _ in
        TokenID.random(in: leads.randomElement(using: &generator)!, using: &generator)
      }
      for skips in [true, false] {
        var decoder = IncrementalDecoder(tokenizer: tokenizer, skipsSpecialTokens: skips)
        let parts = try ids.map { try decoder.append($0) } + [decoder.finish()]
        let whole = try tokenizer.decode(ids, skipsSpecialTokens: skips)
        #expect(
          parts.joined().utf8.elementsEqual(whole.utf8),
          "seed \(seed), ids \(ids), \(skips)"
        )
      }
    }
  }

  @Test("A skipped special token does not part the bytes of a character; a shown one does")
  func specialTokenInsideCharacter() throws {
    let ids: [TokenID] = [0xC3, 256, 0xA9]
    var skipping = IncrementalDecoder(tokenizer: try tokenizer(), skipsSpecialTokens: true)
    #expect(try ids.map { try skipping.append($0) } == ["", "", "é"])
    var showing = IncrementalDecoder(tokenizer: try tokenizer(), skipsSpecialTokens: false)
    #expect(try ids.map { try showing.append($0) } == ["", "\u{FFFD}<end>", "\u{FFFD}"])
  }

  @Test("An id beyond the vocabulary is an error and changes nothing")
  func unknownID() throws {
    for skips in [true, false] {
      var decoder = IncrementalDecoder(tokenizer: try tokenizer(), skipsSpecialTokens: skips)
      #expect(try decoder.append(0xC3) == "")
      let error = #expect(throws: MeshError.self) { try decoder.append(257) }
      #expect(error?.field == "token_ids")
      #expect(try decoder.append(0xA9) == "é")
    }
  }
}
