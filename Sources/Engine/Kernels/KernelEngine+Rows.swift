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
    precondition(
      rowCount <= min(input.rowCapacity, output.rowCapacity) && input.width == output.width
        && weights.count == input.width,
      "shapes differ"
    )
    var buffer = output.buffer
    wk_normalize(
      pointer,
      input.values,
      rowCount,
      input.width,
      weights,
      epsilon,
      &buffer
    )
  }

  /// Moves some rows to the front, in place: row i becomes what row `rows[i]` was.
  ///
  /// - Parameter rows: Ascending.
  package func keep(rows: [UInt32], of values: FloatRows) {
    precondition(rows.allSatisfy { Int($0) < values.rowCapacity }, "no such row")
    for (place, row) in rows.enumerated() where place < row {
      let row = Int(row)
      (values.values + place * values.width).update(
        from: values.values + row * values.width,
        count: values.width
      )
    }
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
