import Foundation
import MeshTypes
import ModelFiles
import TestSupport
import Tokenization

/// The default model's tokenizer, as its GGUF file describes it.
extension DefaultModel {
  /// Reads the description from the file.
  static func description() throws -> TokenizerDescription {
    let metadata = try GGUFFile(path: path).metadata
    func id(_ name: String) throws -> TokenID? {
      try metadata.integerIfPresent("tokenizer.ggml.\(name)_token_id").map { TokenID($0) }
    }
    return TokenizerDescription(
      tokens: try metadata.strings("tokenizer.ggml.tokens"),
      tokenTypes: try metadata.integers("tokenizer.ggml.token_type", in: 1...6)
        .map { TokenType(rawValue: Int32($0))! },
      merges: try metadata.strings("tokenizer.ggml.merges"),
      preTokenizer: try metadata.string("tokenizer.ggml.pre"),
      beginOfSequence: try id("bos"),
      endOfSequence: try id("eos"),
      unknown: try id("unknown"),
      padding: try id("padding"),
      addsBeginOfSequence: try metadata.booleanIfPresent("tokenizer.ggml.add_bos_token")
    )
  }

  /// The tokenizer, built once for all tests.
  static func tokenizer() throws -> Tokenizer { try built.get() }

  private static let built = Result { try Tokenizer(try description()) }
}

/// The files beside the tests.
enum Fixture {
  static func path(_ name: String) -> String {
    URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("Fixtures").appendingPathComponent(name).path
  }
}
