import MeshTypes
import Tokenization

/// Descriptions of vocabularies small enough to reason about: the 256 bytes in byte order, then
/// what a test adds.
enum SmallVocabulary {
  /// The characters of GPT-2's byte alphabet, in byte order.
  static let byteTokens: [String] = {
    var substitute: UInt32 = 256
    return (UInt32(0)..<256).map { byte in
      let isPrintable =
        (33...126).contains(byte) || (161...172).contains(byte) || (174...255).contains(byte)
      if !isPrintable { substitute += 1 }
      return String(Character(Unicode.Scalar(isPrintable ? byte : substitute - 1)!))
    }
  }()

  /// The bytes, one token for each merge's result, and special tokens.
  ///
  /// - Parameter merges: `"left right"`.
  static func description(
    merges: [String] = [],
    added: [(text: String, type: TokenType)] = [],
    preTokenizer: String = "gpt-2"
  ) -> TokenizerDescription {
    let merged = merges.map { $0.filter { $0 != " " } }
    return TokenizerDescription(
      tokens: byteTokens + merged + added.map(\.text),
      tokenTypes: Array(repeating: .normal, count: 256 + merged.count) + added.map(\.type),
      merges: merges,
      preTokenizer: preTokenizer
    )
  }
}

extension Tokenizer {
  /// Encodes as a model without begin of sequence would.
  func encode(_ text: String, _ specialTokens: SpecialTokenPolicy = .recognised) -> [TokenID] {
    encode(text, specialTokens: specialTokens, addsBeginOfSequence: false)
  }

  /// The texts of the tokens of `text`.
  func tokens(_ text: String, _ specialTokens: SpecialTokenPolicy = .recognised) -> [String] {
    encode(text, specialTokens).map { token(of: $0)! }
  }
}
