import Foundation
import MeshTypes
import ModelFiles
import Tokenization

/// The default model's tokenizer, as its GGUF file describes it.
enum DefaultModel {
  /// `$WEFT_MODEL`, or else the file that dev/test fetches into the cache folder.
  static var path: String {
    ProcessInfo.processInfo.environment["WEFT_MODEL"]
      ?? CacheFolder.path("models/SmolLM2-135M-Instruct.Q4_1.gguf")
  }

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

/// Weft's folder of fetched files: `$XDG_CACHE_HOME/weft` or `~/.cache/weft`.
enum CacheFolder {
  static func path(_ name: String) -> String {
    let environment = ProcessInfo.processInfo.environment
    let root = environment["XDG_CACHE_HOME"] ?? (environment["HOME"] ?? "") + "/.cache"
    return root + "/weft/" + name
  }
}

/// The files beside the tests.
enum Fixture {
  static func path(_ name: String) -> String {
    URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("Fixtures").appendingPathComponent(name).path
  }
}
