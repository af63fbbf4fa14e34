package import MeshTypes

/// How text is cut into the pieces within which tokens merge.
///
/// Each is a regular expression in the models' `tokenizer.json`, matched again and again from where
/// the last match ended; here they are scanners written by hand, since they need look-ahead. The
/// alternatives below are tried in order.
///
/// Text is taken as it is. Qwen 2's `tokenizer.json` also asks for normalisation form C first; GGUF
/// files do not carry that, and llama.cpp does not do it either.
package enum PreTokenizer: String, Sendable, CaseIterable {
  /// GPT-2: `'s|'t|'re|'ve|'m|'ll|'d`, ` ?\p{L}+`, ` ?\p{N}+`, ` ?[^\s\p{L}\p{N}]+`,
  /// `\s+(?!\S)`, `\s+`.
  case gpt2 = "gpt-2"
  /// SmolLM: every `\p{N}` stands alone and bounds the text on both sides; then as GPT-2.
  case smollm
  /// Llama 3: `(?i:'s|'t|'re|'ve|'m|'ll|'d)`, `[^\r\n\p{L}\p{N}]?\p{L}+`, `\p{N}{1,3}`,
  /// ` ?[^\s\p{L}\p{N}]+[\r\n]*`, `\s*[\r\n]+`, `\s+(?!\S)`, `\s+`.
  case llamaBPE = "llama-bpe"
  /// Qwen 2 and 3: as Llama 3 with single numbers, `\p{N}`.
  case qwen2
  /// llama.cpp's choice for files that name none: text is cut around runs of `[\p{P}$+<=>^~|]`,
  /// then as GPT-2, then around runs of `\p{N}`, and those around `[0-9][0-9][0-9]`.
  case standard = "default"

  /// Other names of the same in GGUF files.
  private static let synonyms: [String: Self] = [
    "llama3": .llamaBPE, "llama-v3": .llamaBPE, "deepseek-r1-qwen": .qwen2,
  ]

  /// Finds a pre-tokenizer by its name in GGUF files.
  ///
  /// - Throws: `MeshError` `unimplemented` for a name that is not known here.
  package init(named name: String) throws(MeshError) {
    guard let known = Self(rawValue: name) ?? Self.synonyms[name] else {
      let accepted = Self.allCases.map { "\"\($0.rawValue)\"" }.joined(separator: ", ")
      throw MeshError(
        .unimplemented,
        "tokenizer.ggml.pre must be one of \(accepted), is \"\(name)\"",
        field: "tokenizer.ggml.pre"
      )
    }
    self = known
  }

  /// Whether a piece that is in the vocabulary is taken whole, whatever the merges would make.
  var takesKnownPiecesWhole: Bool { self == .llamaBPE }

  /// Whether texts begin with the beginning-of-sequence token where the file does not say.
  var addsBeginOfSequenceByDefault: Bool { self == .llamaBPE }

  /// The end of the piece that begins at `start`, in bytes; greater than `start`.
  ///
  /// - Precondition: `text` is valid UTF-8, and `start` is less than its count and at the beginning
  ///   of a character.
  package func endOfPiece(from start: Int, in text: Span<UInt8>) -> Int {
    switch self {
    case .gpt2: GPT2Scanner.endOfPiece(from: start, in: text, isolatesNumbers: false)
    case .smollm: GPT2Scanner.endOfPiece(from: start, in: text, isolatesNumbers: true)
    case .llamaBPE: Llama3Scanner.endOfPiece(from: start, in: text, longestNumber: 3)
    case .qwen2: Llama3Scanner.endOfPiece(from: start, in: text, longestNumber: 1)
    case .standard: StandardScanner.endOfPiece(from: start, in: text)
    }
  }
}
