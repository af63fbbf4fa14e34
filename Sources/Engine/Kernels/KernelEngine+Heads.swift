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
}

extension KernelEngine {
  /// Adds biases to up to 3 kinds of heads, and normalises them, in place; those that have neither
  /// are left as they are.
  package func prepare(
    _ kinds: HeadValues...,
    headDimension: Int,
    epsilon: Float,
    rowCount: Int
  ) {
    let kinds = kinds.filter { $0.bias != nil || $0.norm != nil }
    guard !kinds.isEmpty else { return }
    for kind in kinds {
      precondition(
        kind.values.width % headDimension == 0 && rowCount <= kind.values.rowCapacity
          && kind.bias?.count ?? kind.values.width == kind.values.width
          && kind.norm?.count ?? headDimension == headDimension,
        "shapes differ"
      )
    }
    defer { withExtendedLifetime(kinds) {} }
    let heads = kinds.map { kind in
      wk_heads(
        values: kind.values.values,
        heads: kind.values.width / headDimension,
        bias: kind.bias?.values,
        norm: kind.norm?.values
      )
    }
    wk_prepare_heads([engine], heads, heads.count, rowCount, headDimension, epsilon)
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
    wk_add_normalized([engine], values.values, rowCount, sum.width, weights, epsilon, sum.values)
  }
}
