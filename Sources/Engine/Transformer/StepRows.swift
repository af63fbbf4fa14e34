import Kernels
import MeshTypes

/// The rows of the step that is computed: a place for each token of its slices. Made once, filled anew
/// by each step without allocating.
final class StepRows {
  /// Where the rows belong.
  private(set) var paged: PagedRows
  private(set) var tokenIDs: [TokenID] = []
  /// Which rows get logits, in order.
  private(set) var logitsRows: [UInt32] = []

  /// - Parameter contextLength: The most positions of a sequence.
  init(_ settings: RunnerSettings, contextLength: Int) {
    paged = PagedRows(blockSizeTokens: settings.blockSizeTokens)
    tokenIDs.reserveCapacity(settings.maxBatchTokens)
    logitsRows.reserveCapacity(settings.logitsLimit)
    reserve(settings, contextLength: contextLength)
  }

  /// Makes room for the block tables of as many and as long sequences as KV memory has blocks for.
  func reserve(_ settings: RunnerSettings, contextLength: Int) {
    let positionCount = min(contextLength, settings.blockCount * settings.blockSizeTokens)
    paged.reserve(
      rowCount: settings.maxBatchTokens,
      sliceCount: settings.sliceLimit,
      positionCount: settings.sliceLimit * positionCount
    )
  }

  /// Takes the rows of a checked batch.
  func fill(_ slices: [SequenceSlice]) {
    paged.removeAll()
    tokenIDs.removeAll(keepingCapacity: true)
    logitsRows.removeAll(keepingCapacity: true)
    for slice in slices {
      paged.append(
        rowCount: slice.tokenIDs.count,
        firstPosition: slice.startPosition,
        blockTable: slice.blockTable
      )
      tokenIDs.append(contentsOf: slice.tokenIDs)
      let end = UInt32(tokenIDs.count)
      logitsRows.append(contentsOf: end - UInt32(slice.logitsRowCount)..<end)
    }
    paged.groupSharedBlocks()
  }
}
