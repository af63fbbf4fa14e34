import CKernels

/// Values of heads, and what is done to them before they rotate.
package struct HeadValues {
  /// Per row all heads' values.
  package var values: FloatRows
  /// Added first: one for each value of a row.
  package var bias: WeightVector?
  /// Then each head is RMS-normalised with these factors, one for each of its values.
  package var norm: WeightVector?

  package init(_ values: FloatRows, bias: WeightVector? = nil, norm: WeightVector? = nil) {
    self.values = values
    self.bias = bias
    self.norm = norm
  }

  func heads(dimension: Int) -> wk_heads {
    wk_heads(
      values: values.values,
      heads: values.width / dimension,
      bias: bias?.values,
      norm: norm?.values
    )
  }
}

extension KernelEngine {
  /// Adds biases to up to 3 kinds of heads, and normalises them, in place; those that have neither
  /// are left as they are.
  package func prepare(
    _ first: HeadValues,
    _ second: HeadValues? = nil,
    _ third: HeadValues? = nil,
    headDimension: Int,
    epsilon: Float,
    rowCount: Int
  ) {
    defer { withExtendedLifetime((first, second, third)) {} }
    withUnsafeTemporaryAllocation(of: wk_heads.self, capacity: 3) { heads in
      var count = 0
      func add(_ kind: HeadValues?) {
        guard let kind, kind.bias != nil || kind.norm != nil else { return }
        check(kind, headDimension: headDimension, rowCount: rowCount)
        heads.initializeElement(at: count, to: kind.heads(dimension: headDimension))
        count += 1
      }
      add(first)
      add(second)
      add(third)
      guard count > 0 else { return }
      wk_prepare_heads(pointer, heads.baseAddress, count, rowCount, headDimension, epsilon)
    }
  }

  private func check(_ kind: HeadValues, headDimension: Int, rowCount: Int) {
    precondition(
      kind.values.width % headDimension == 0 && rowCount <= kind.values.rowCapacity
        && kind.bias?.count ?? kind.values.width == kind.values.width
        && kind.norm?.count ?? headDimension == headDimension,
      "shapes differ"
    )
  }

  /// sum += norm(values); `values` are overwritten.
  package func addNormalized(
    _ values: FloatRows,
    rowCount: Int,
    weights: [Float],
    epsilon: Float,
    to sum: FloatRows
  ) {
    precondition(
      rowCount <= min(values.rowCapacity, sum.rowCapacity) && values.width == sum.width
        && weights.count == sum.width,
      "shapes differ"
    )
    wk_add_normalized(pointer, values.values, rowCount, sum.width, weights, epsilon, sum.values)
  }
}
