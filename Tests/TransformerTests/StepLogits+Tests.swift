import MeshTypes
import Transformer

extension StepLogits {
  func values(row: Int) -> [Float] {
    withRow(row) { span in span.indices.map { span[$0] } }
  }

  func bits(row: Int) -> [UInt32] { values(row: row).map(\.bitPattern) }

  /// The largest logit's id, the lowest among equals.
  func mostLikely(row: Int) -> TokenID {
    withRow(row) { span in
      TokenID(span.indices.reduce(0) { span[$1] > span[$0] ? $1 : $0 })
    }
  }
}

/// Blocks 0, 1, 2, … for a number of tokens, shifted by `offset` blocks.
func blocks(forTokens count: Int, offset: Int = 0) -> [BlockID] {
  (0..<(count + 15) / 16).map { BlockID(UInt32($0 + offset)) }
}
