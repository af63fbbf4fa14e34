import Kernels
import MeshProtos
import MeshTypes

extension StepEngine {
  /// Checks a plan's copies, before anything of it is done.
  ///
  /// - Throws: ``MeshError`` `invalidArgument` naming the field.
  func validate(_ copies: [Weft_Worker_V1_BlockCopy]) throws(MeshError) {
    guard copies.count <= maxBatchSequences else {
      throw .invalid(
        "copies",
        "must have at most \(maxBatchSequences) entries, got \(copies.count)"
      )
    }
    for copy in copies {
      guard copy.source < blocks.blockCount else {
        throw .invalid("copies.source", "must be below \(blocks.blockCount), got \(copy.source)")
      }
      guard copy.destination < blocks.blockCount, copy.destination != copy.source else {
        throw .invalid(
          "copies.destination",
          "must be below \(blocks.blockCount) and another block than \(copy.source), "
            + "got \(copy.destination)"
        )
      }
      guard 1...blockSizeTokens ~= Int(copy.tokenCount) else {
        throw .invalid(
          "copies.token_count",
          "must be in 1...\(blockSizeTokens), got \(copy.tokenCount)"
        )
      }
      guard transfers?.isLoading(copy.source) != true,
        transfers?.isLoading(copy.destination) != true
      else {
        throw .invalid("copies", "must not be of blocks that are being loaded")
      }
    }
  }

  /// Makes checked copies, in order.
  func make(_ copies: [Weft_Worker_V1_BlockCopy]) {
    for copy in copies { blocks.copy(BlockID(copy.source), to: BlockID(copy.destination)) }
  }
}
