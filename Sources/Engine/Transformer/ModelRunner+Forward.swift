import Kernels
import MeshTypes

extension ModelRunner {
  /// The forward pass of a checked batch.
  ///
  /// - Parameter layers: Which layers to compute: all of them, but when only time or memory matters.
  func compute(
    _ slices: [SequenceSlice],
    layers: Range<Int>,
    _ didStore: (_ layer: Int) -> Void
  ) throws(MeshError) -> StepLogits {
    rows.fill(slices)
    engine.embed(
      rows.tokenIDs,
      from: weights.embedding,
      scale: configuration.architecture.scalesEmbeddings
        ? Float(configuration.width).squareRoot() : 1,
      into: buffers.hidden
    )
    engine.computeAngles(buffers.angles, positions: rows.paged.positions)
    if buffers.localAngles !== buffers.angles {
      engine.computeAngles(buffers.localAngles, positions: rows.paged.positions)
    }
    defer { streamed?.release() }
    for index in layers {
      try streamed?.load(layer: index)
      project(layer: index, rows.paged, didStore)
      var left = rows.paged
      if index == configuration.layerCount - 1, rows.logitsRows.count < left.rowCount {
        // Of the others only keys and values are ever seen again.
        left = rows.pagedLogits
        engine.keep(rows: rows.logitsRows, of: buffers.queries)
        engine.keep(rows: rows.logitsRows, of: buffers.hidden)
      }
      guard left.rowCount > 0 else { continue }
      computeAttention(layer: index, left)
      computeFeedForward(layer: index, rowCount: left.rowCount)
    }
    return computeLogits(rowCount: rows.logitsRows.count)
  }

  /// Queries of norm(hidden), and its keys and values, into their blocks.
  private func project(
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
    engine.prepare(
      HeadValues(buffers.queries, bias: layer.queryBias, norm: layer.queryNorm),
      HeadValues(buffers.keys, bias: layer.keyBias, norm: layer.keyNorm),
      HeadValues(buffers.values, bias: layer.valueBias),
      headDimension: configuration.headDimension,
      epsilon: configuration.normEpsilon,
      rowCount: rowCount
    )
    engine.rotateAndStore(
      queries: buffers.queries,
      keys: buffers.keys,
      values: buffers.values,
      angles: configuration.hasWindow(layer: index) ? buffers.localAngles : buffers.angles,
      pairs: configuration.architecture.rotaryPairs,
      rows: rows,
      layer: index,
      in: kvMemory
    )
    didStore(index)
  }

  /// hidden += post-norm(attention(queries) · output).
  private func computeAttention(layer index: Int, _ rows: PagedRows) {
    let layer = weights.layers[index]
    engine.attend(
      queries: buffers.queries,
      rows: rows,
      layer: index,
      scale: configuration.attentionScale,
      softCap: configuration.attentionSoftCap,
      window: configuration.hasWindow(layer: index) ? configuration.slidingWindow : nil,
      in: kvMemory,
      into: buffers.attention
    )
    add(buffers.attention, layer.attentionOutput, layer.postAttentionNorm, rows.rowCount)
  }

  /// hidden += post-norm(input · matrix), or without the norm if there is none.
  private func add(
    _ input: ActivationRows,
    _ matrix: WeightMatrix,
    _ norm: [Float]?,
    _ rowCount: Int
  ) {
    guard let norm else {
      engine.multiply(
        MatrixProduct(input, matrix, into: buffers.hidden, accumulates: true),
        rowCount: rowCount
      )
      return
    }
    engine.multiply(MatrixProduct(input, matrix, into: buffers.branch), rowCount: rowCount)
    engine.addNormalized(
      buffers.branch,
      rowCount: rowCount,
      weights: norm,
      epsilon: configuration.normEpsilon,
      to: buffers.hidden
    )
  }

  /// hidden += post-norm((activation(norm(hidden) · gate) * (norm(hidden) · up)) · down).
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
    engine.applyGate(
      configuration.architecture.activation,
      gate: buffers.gate,
      up: buffers.up,
      rowCount: rowCount,
      into: buffers.gated
    )
    add(buffers.gated, layer.down, layer.postFeedForwardNorm, rowCount)
  }

  private func computeLogits(rowCount: Int) -> StepLogits {
    if rowCount > 0 {
      engine.normalize(
        buffers.hidden,
        rowCount: rowCount,
        weights: weights.outputNorm,
        epsilon: configuration.normEpsilon,
        into: buffers.outputNormalized
      )
      engine.multiply(
        MatrixProduct(buffers.outputNormalized, weights.output, into: buffers.logits),
        rowCount: rowCount
      )
      if let cap = configuration.finalSoftCap {
        engine.softCap(buffers.logits, rowCount: rowCount, cap: cap)
      }
    }
    return StepLogits(rows: buffers.logits, rowCount: rowCount)
  }
}
