import CKernels

extension KernelEngine {
  /// output[row] = the weights of column `ids[row]`, times `scale`: an embedding lookup.
  package func embed(
    _ ids: [UInt32],
    from matrix: WeightMatrix,
    scale: Float = 1,
    into output: FloatRows
  ) {
    precondition(ids.count <= output.rowCapacity && matrix.depth == output.width, "shapes differ")
    precondition(ids.allSatisfy { Int($0) < matrix.columns }, "id beyond the vocabulary")
    var packed = matrix.matrix
    wk_embed(pointer, &packed, ids, ids.count, scale, output.values)
  }

  /// RMS-normalises the first `rowCount` rows.
  ///
  /// - Parameters:
  ///   - weights: One factor per value of a row.
  ///   - epsilon: Added to the mean of squares.
  package func normalize(
    _ input: FloatRows,
    rowCount: Int,
    weights: [Float],
    epsilon: Float,
    into output: ActivationRows
  ) {
    check(input, output, rowCount: rowCount, weights: weights)
    precondition(rowCount <= input.rowCapacity, "too many rows")
    var buffer = output.buffer
    wk_normalize(
      pointer,
      input.values,
      nil,
      rowCount,
      input.width,
      weights,
      epsilon,
      &buffer
    )
  }

  /// RMS-normalises some rows: row i of the output comes from row `rows[i]`.
  package func normalize(
    _ input: FloatRows,
    rows: [UInt32],
    weights: [Float],
    epsilon: Float,
    into output: ActivationRows
  ) {
    check(input, output, rowCount: rows.count, weights: weights)
    precondition(rows.allSatisfy { Int($0) < input.rowCapacity }, "no such row")
    var buffer = output.buffer
    wk_normalize(
      pointer,
      input.values,
      rows,
      rows.count,
      input.width,
      weights,
      epsilon,
      &buffer
    )
  }

  private func check(
    _ input: FloatRows,
    _ output: ActivationRows,
    rowCount: Int,
    weights: [Float]
  ) {
    precondition(
      rowCount <= output.rowCapacity && input.width == output.width && weights.count == input.width,
      "shapes differ"
    )
  }

  /// output = activation(gate) * up.
  package func applyGate(
    _ activation: GateActivation,
    gate: FloatRows,
    up: FloatRows,
    rowCount: Int,
    into output: ActivationRows
  ) {
    precondition(gate.width == up.width && gate.width == output.width, "widths differ")
    precondition(
      rowCount <= min(gate.rowCapacity, up.rowCapacity, output.rowCapacity),
      "too many rows"
    )
    var buffer = output.buffer
    wk_gate(
      pointer,
      activation.kernelActivation,
      gate.values,
      up.values,
      rowCount,
      gate.width,
      &buffer
    )
  }

  /// values = cap · tanh(values / cap), of the first `rowCount` rows.
  ///
  /// - Parameter cap: Above 0.
  package func softCap(_ rows: FloatRows, rowCount: Int, cap: Float) {
    precondition(rowCount <= rows.rowCapacity, "too many rows")
    precondition(cap > 0, "a cap is above 0")
    wk_soft_cap(pointer, rows.values, rowCount * rows.width, cap)
  }

  /// Brings the quantised form of the first `rowCount` rows up to date with their values.
  package func quantize(_ rows: ActivationRows, rowCount: Int) {
    precondition(rowCount <= rows.rowCapacity, "too many rows")
    var buffer = rows.buffer
    wk_quantize(pointer, rowCount, rows.width, &buffer)
  }
}
