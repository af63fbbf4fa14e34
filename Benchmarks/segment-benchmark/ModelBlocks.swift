import Foundation
import Kernels
import MeshTypes
import ModelFiles
import Tokenization
import TokenizerFiles
import TokenizerService
import Transformer

/// KV blocks as a model computes them for a text.
enum ModelBlocks {
  /// Computes the full blocks of the text's first tokens.
  static func compute(model: String, text: String, count: Int) throws -> [[UInt8]] {
    let file = try GGUFFile(path: model)
    let runner = try ModelRunner(
      file: file,
      settings: RunnerSettings(blockCount: count, threadCount: 2)
    )
    let tokenizer = try Tokenizer(TokenizerDescription(file.metadata))
    let ids = tokenizer.encode(
      String(decoding: try Data(contentsOf: URL(filePath: text)), as: UTF8.self),
      specialTokens: .plainText,
      addsBeginOfSequence: false
    )
    let blockTokens = runner.settings.blockSizeTokens
    let tokens = min(ids.count, count * blockTokens, runner.configuration.contextLength)
    let blocks = tokens / blockTokens
    let table = (0..<UInt32(blocks)).map { BlockID($0) }
    for start in stride(from: 0, to: blocks * blockTokens, by: runner.settings.maxBatchTokens) {
      let end = min(blocks * blockTokens, start + runner.settings.maxBatchTokens)
      _ = try runner.step([
        SequenceSlice(
          tokenIDs: Array(ids[start..<end]),
          startPosition: start,
          blockTable: table,
          logits: .none
        )
      ])
    }
    return table.map { block in runner.kvMemory.withBlock(block) { Array($0) } }
  }

  /// The block in 8 bits: for every 32 values a scale in f16 and 32 signed bytes, scales first.
  static func quantised(_ block: [UInt8]) -> [UInt8] {
    var scales: [UInt8] = []
    var values: [UInt8] = []
    for start in stride(from: 0, to: block.count, by: 64) {
      let group = stride(from: start, to: start + 64, by: 2).map { byte in
        Float(Float16(bitPattern: UInt16(block[byte]) | UInt16(block[byte + 1]) << 8))
      }
      let scale = (group.map(abs).max() ?? 0) / 127
      let bits = Float16(scale).bitPattern
      scales += [UInt8(truncatingIfNeeded: bits), UInt8(truncatingIfNeeded: bits >> 8)]
      values += group.map { value in
        UInt8(bitPattern: Int8(scale == 0 ? 0 : (value / scale).rounded()))
      }
    }
    return scales + values
  }
}
