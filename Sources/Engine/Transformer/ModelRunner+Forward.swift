import Kernels
import MeshTypes

extension ModelRunner {
  /// The forward pass of a checked batch.
  func compute(_ slices: [SequenceSlice], _ didStore: (_ layer: Int) -> Void) -> StepLogits {
    var rows = PagedRows(blockSizeTokens: settings.blockSizeTokens)
    var tokenIDs: [TokenID] = []
    var logitsRows: [UInt32] = []
    for slice in slices {
      rows.append(
        rowCount: slice.tokenIDs.count,
        firstPosition: slice.startPosition,
        blockTable: slice.blockTable
      )
      tokenIDs += slice.tokenIDs
      let end = UInt32(tokenIDs.count)
      logitsRows += end - UInt32(slice.logitsRowCount)..<end
    }
    engine.embed(tokenIDs, from: weights.embedding, into: buffers.hidden)
    engine.computeAngles(buffers.angles, positions: rows.positions)
    for index in weights.layers.indices {
      computeAttention(layer: index, rows, didStore)
      computeFeedForward(layer: index, rowCount: rows.rowCount)
    }
    return computeLogits(logitsRows)
  }

  /// hidden += attention(norm(hidden)) · output.
  private func computeAttention(
    layer index: Int,
    _ rows: PagedRows,
    _ didStore: (_ layer: Int) -> Void
  ) {
    let layer = weights.layers[index]
    let rowCount = rows.rowCount
    engine.normalize(
      buffers.hidden,
      rowCount: rowCount,
      weights: layer.attentionNorm,
      epsilon: configuration.normEpsilon,
      into: buffers.normalized
    )
    engine.multiply(
      MatrixProduct(buffers.normalized, layer.query, into: buffers.queries),
      MatrixProduct(buffers.normalized, layer.key, into: buffers.keys),
      MatrixProduct(buffers.normalized, layer.value, into: buffers.values),
      rowCount: rowCount
    )
    engine.rotateAndStore(
      queries: buffers.queries,
      keys: buffers.keys,
      values: buffers.values,
      angles: buffers.angles,
      rows: rows,
      layer: index,
      in: kvMemory
    )
    didStore(index)
    engine.attend(
      queries: buffers.queries,
      rows: rows,
      layer: index,
      in: kvMemory,
      into: buffers.attention
    )
    engine.multiply(
      MatrixProduct(
        buffers.attention,
        layer.attentionOutput,
        into: buffers.hidden,
        accumulates: true
      ),
      rowCount: rowCount
    )
  }

  /// hidden += swiglu(norm(hidden) · gate, norm(hidden) · up) · down.
  private func computeFeedForward(layer index: Int, rowCount: Int) {
    let layer = weights.layers[index]
    engine.normalize(
      buffers.hidden,
      rowCount: rowCount,
      weights: layer.feedForwardNorm,
      epsilon: configuration.normEpsilon,
      into: buffers.normalized
    )
    engine.multiply(
      MatrixProduct(buffers.normalized, layer.gate, into: buffers.gate),
      MatrixProduct(buffers.normalized, layer.up, into: buffers.up),
      rowCount: rowCount
    )
    engine.swiglu(gate: buffers.gate, up: buffers.up, rowCount: rowCount, into: buffers.gated)
    engine.multiply(
      MatrixProduct(buffers.gated, layer.down, into: buffers.hidden, accumulates: true),
      rowCount: rowCount
    )
  }

  private func computeLogits(_ rows: [UInt32]) -> StepLogits {
    if !rows.isEmpty {
      engine.normalize(
        buffers.hidden,
        rows: rows,
        weights: weights.outputNorm,
        epsilon: configuration.normEpsilon,
        into: buffers.outputNormalized
      )
      engine.multiply(
        MatrixProduct(buffers.outputNormalized, weights.output, into: buffers.logits),
        rowCount: rows.count
      )
    }
    return StepLogits(rows: buffers.logits, rowCount: rows.count)
  }
}
