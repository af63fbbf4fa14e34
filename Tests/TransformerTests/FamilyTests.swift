import Foundation
import MeshTypes
import ModelFiles
import TestSupport
import Testing
import Transformer

/// Tiny random models of each family with the logits that Hugging Face's transformers computes for
/// them (Fixtures/make_families.py).
@Suite("Model families")
struct FamilyTests {
  private static let names = [
    "llama", "llama3-scaling", "linear-scaling", "yarn-scaling", "mistral-window", "qwen2", "qwen3",
    "gemma2", "gemma3", "phi3",
  ]
  /// Those that are there as Hugging Face folders too.
  private static let folderNames = ["llama3-scaling", "yarn-scaling", "gemma2", "gemma3", "phi3"]

  private func path(_ name: String) -> String {
    URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "Fixtures/families/\(name)").path
  }

  private func file(_ name: String) throws -> GGUFFile {
    try GGUFFile(path: path("\(name).gguf"))
  }

  private func runner(_ file: any ModelSource) throws -> ModelRunner {
    try ModelRunner(
      file: file,
      settings: RunnerSettings(blockCount: 16, maxBatchTokens: 48, threadCount: 2)
    )
  }

  @Test("compute what transformers computes, whole and in chunks", arguments: names)
  func logits(_ name: String) throws {
    try check(try runner(try file(name)), name)
  }

  @Test("compute the same from a Hugging Face folder", arguments: folderNames)
  func folders(_ name: String) throws {
    try check(try runner(try openModel(at: path(name))), name)
  }

  @Test("compute the same from packed weights that were kept, by their file's or folder's name")
  func kept() throws {
    for (name, path) in Self.names.map({ ($0, path("\($0).gguf")) })
      + Self.folderNames.map({ ($0, path($0)) })
    {
      try withEmptyFolder { cache in
        for origin in [WeightsOrigin.packedIntoCache, .cache] {
          let runner = try ModelRunner(
            file: try openModel(at: path),
            settings: RunnerSettings(blockCount: 16, maxBatchTokens: 48, threadCount: 2),
            weightsSettings: WeightsSettings(cacheFolder: cache)
          )
          #expect(runner.weightsOrigin == origin, "\(path)")
          try check(runner, name)
        }
        let files = try FileManager.default.contentsOfDirectory(atPath: cache)
        let last = path.split(separator: "/").last ?? ""
        #expect(files.count == 1 && files[0].hasPrefix("\(last)-"), "\(files)")
      }
    }
  }

  private func check(_ runner: ModelRunner, _ name: String) throws {
    let file = try file(name)
    let tokens = try file.metadata.integers("weft.test.tokens", in: 0...63).map { TokenID($0) }
    let expected = try file.metadata.floats("weft.test.logits", in: -1000...1000)
    for chunk in [tokens.count, 11] {
      var start = 0
      while start < tokens.count {
        let count = min(chunk, tokens.count - start)
        let logits = try runner.step([
          SequenceSlice(
            tokenIDs: Array(tokens[start..<start + count]),
            startPosition: start,
            blockTable: blocks(forTokens: tokens.count),
            logits: .allTokens
          )
        ])
        for row in 0..<count {
          for (column, value) in logits.values(row: row).enumerated() {
            let exact = expected[(start + row) * 64 + column]
            // Keys and values are rounded to f16.
            #expect(abs(value - exact) < 1e-2, "position \(start + row), token \(column)")
          }
        }
        start += count
      }
    }
  }

  @Test("are told apart: no two compute the same of the same weights")
  func differences() throws {
    let files = try ["llama", "linear-scaling", "yarn-scaling", "mistral-window"].map(file)
    let logits = try files.map { try $0.metadata.floats("weft.test.logits", in: -1000...1000) }
    #expect(Set(logits).count == files.count)
  }
}
