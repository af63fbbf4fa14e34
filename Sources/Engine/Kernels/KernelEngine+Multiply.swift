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

  func part(matrix: UnsafePointer<wk_matrix>) -> wk_product {
    wk_product(
      matrix: matrix,
      activations: input.activations,
      out: output.values,
      out_stride: output.width,
      accumulate: accumulates
    )
  }
}

extension KernelEngine {
  /// Computes up to 4 products, independent of each other, of the first `rowCount` rows.
  package func multiply(
    _ first: MatrixProduct,
    _ second: MatrixProduct? = nil,
    _ third: MatrixProduct? = nil,
    _ fourth: MatrixProduct? = nil,
    rowCount: Int
  ) {
    defer { withExtendedLifetime((first, second, third, fourth)) {} }
    // Both on the stack: so small that no step allocates.
    let limit = 4
    withUnsafeTemporaryAllocation(of: wk_matrix.self, capacity: limit) { matrices in
      withUnsafeTemporaryAllocation(of: wk_product.self, capacity: limit) { parts in
        var count = 0
        func add(_ product: MatrixProduct?) {
          guard let product else { return }
          check(product, rowCount: rowCount)
          matrices.initializeElement(at: count, to: product.matrix.matrix)
          parts.initializeElement(
            at: count,
            to: product.part(matrix: UnsafePointer(matrices.baseAddress! + count))
          )
          count += 1
        }
        add(first)
        add(second)
        add(third)
        add(fourth)
        wk_multiply(pointer, parts.baseAddress, count, rowCount)
      }
    }
  }

  private func check(_ product: MatrixProduct, rowCount: Int) {
    precondition(
      product.matrix.depth == product.input.width
        && product.matrix.columns == product.output.width
        && rowCount <= product.input.rowCapacity && rowCount <= product.output.rowCapacity,
      "shapes differ"
    )
    precondition(product.input.isQuantized || !product.matrix.isQuantized, "no quantised input")
  }
}
