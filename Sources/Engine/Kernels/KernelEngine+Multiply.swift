import CKernels

/// output = input · matrix, or output += input · matrix.
package struct MatrixProduct {
  package var matrix: WeightMatrix
  package var input: ActivationRows
  package var output: FloatRows
  /// Whether the product is added to what the output holds.
  package var accumulates: Bool

  package init(
    _ input: ActivationRows,
    _ matrix: WeightMatrix,
    into output: FloatRows,
    accumulates: Bool = false
  ) {
    self.matrix = matrix
    self.input = input
    self.output = output
    self.accumulates = accumulates
  }
}

extension KernelEngine {
  /// Computes up to 4 products, independent of each other, of the first `rowCount` rows.
  package func multiply(_ products: MatrixProduct..., rowCount: Int) {
    precondition(products.count <= Int(WK_MULTIPLY_LIMIT), "too many products")
    for product in products {
      precondition(
        product.matrix.depth == product.input.width
          && product.matrix.columns == product.output.width
          && rowCount <= product.input.rowCapacity && rowCount <= product.output.rowCapacity,
        "shapes differ"
      )
      precondition(product.input.isQuantized || !product.matrix.isQuantized, "no quantised input")
    }
    let matrices = products.map(\.matrix.matrix)
    matrices.withUnsafeBufferPointer { matrices in
      let parts = products.indices.map { index in
        let product = products[index]
        return wk_product(
          matrix: matrices.baseAddress! + index,
          activations: product.input.activations,
          out: product.output.values,
          out_stride: product.output.width,
          accumulate: product.accumulates
        )
      }
      wk_multiply([engine], parts, parts.count, rowCount)
    }
  }
}
