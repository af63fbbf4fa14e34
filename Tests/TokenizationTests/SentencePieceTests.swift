import Foundation
import MeshTypes
import TestSupport
import Testing
import Tokenization

@Suite("The same as SentencePiece")
struct SentencePieceTests {
  /// A vocabulary as GGUF files have it.
  static func description(_ vocabulary: PiecesOracle.Vocabulary) -> TokenizerDescription {
    var description = TokenizerDescription(
      tokens: vocabulary.tokens,
      tokenTypes: vocabulary.types.map { TokenType(rawValue: $0)! },
      merges: [],
      preTokenizer: "default",
      beginOfSequence: TokenID(exactly: vocabulary.begin),
      unknown: TokenID(exactly: vocabulary.unknown)
    )
    description.algorithm = vocabulary.isUnigram ? .unigram : .scoredPairs
    description.scores = vocabulary.scores
    description.roundsScores = true
    description.text.spacePrefix = vocabulary.prefix ? .everySegment : .none
    description.text.dropsLeadingSpace = vocabulary.prefix
    description.text.collapsesSpaces = vocabulary.collapses
    return description
  }

  @Test("A small model of each kind", arguments: ["bpe", "unigram"])
  func small(_ name: String) throws {
    let oracle = try PiecesOracle.ask("sentencepiece", Fixture.path("tokenizers/\(name).model"))
    let tokenizer = try Tokenizer(Self.description(try #require(oracle.vocabulary)))
    let differences = try oracle.differences(from: tokenizer)
    #expect(
      differences.isEmpty,
      "seed \(PiecesOracle.seed)\n\(differences.joined(separator: "\n"))"
    )
  }

  /// What dev/fetch-tokenizers has fetched.
  static let fetched: [String] = {
    let folder = "\(TestEnvironment.cache)/tokenizers"
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    let gemma = "\(TestEnvironment.cache)/models/gemma-3-270m-q4_k_m.gguf"
    return names.sorted().map { "\(folder)/\($0)" }
      + (FileManager.default.fileExists(atPath: gemma) ? [gemma] : [])
  }()

  @Test(
    "Real models' vocabularies",
    .enabled(if: !fetched.isEmpty, "dev/fetch-tokenizers has fetched none"),
    arguments: fetched
  )
  func real(_ path: String) throws {
    let oracle = try PiecesOracle.ask("sentencepiece", path)
    let tokenizer = try Tokenizer(Self.description(try #require(oracle.vocabulary)))
    let differences = try oracle.differences(from: tokenizer)
    #expect(
      differences.isEmpty,
      "seed \(PiecesOracle.seed)\n\(differences.joined(separator: "\n"))"
    )
  }
}
