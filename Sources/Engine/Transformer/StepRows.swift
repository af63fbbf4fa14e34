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
  /// Where those rows belong; empty if they are all.
  private(set) var pagedLogits: PagedRows

  /// - Parameter contextLength: The most positions of a sequence.
  init(_ settings: RunnerSettings, contextLength: Int) {
    paged = PagedRows(blockSizeTokens: settings.blockSizeTokens)
    pagedLogits = PagedRows(blockSizeTokens: settings.blockSizeTokens)
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
    pagedLogits.reserve(
      rowCount: settings.logitsLimit,
      sliceCount: min(settings.sliceLimit, settings.logitsLimit),
      positionCount: min(settings.sliceLimit, settings.logitsLimit) * positionCount
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
    pagedLogits.removeAll()
    if logitsRows.count < tokenIDs.count { fillLogits(slices) }
  }

  private func fillLogits(_ slices: [SequenceSlice]) {
    for slice in slices where slice.logitsRowCount > 0 {
      pagedLogits.append(
        rowCount: slice.logitsRowCount,
        firstPosition: slice.startPosition + slice.tokenIDs.count - slice.logitsRowCount,
        blockTable: slice.blockTable
      )
    }
    pagedLogits.groupSharedBlocks()
  }
}
