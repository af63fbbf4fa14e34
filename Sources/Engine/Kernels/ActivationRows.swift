import CKernels
package import MeshTypes

/// A buffer of rows of activations on their way into matrix products: f32, and 16 bits with a scale
/// per 32 values where a product takes those. Used by one thread at a time.
package final class ActivationRows {
  package let rows: FloatRows
  /// Whether the 16-bit form is kept as well.
  package let isQuantized: Bool
  private let levels: Region
  private let scales: Region
  private let sums: Region

  package var width: Int { rows.width }
  package var rowCapacity: Int { rows.rowCapacity }

  /// - Parameter isQuantized: Whether a quantised matrix reads it; then `width` must be a multiple
  ///   of 32.
  /// - Throws: ``MeshError`` `resourceExhausted` when there is no memory.
  package init(rowCapacity: Int, width: Int, isQuantized: Bool) throws(MeshError) {
    precondition(!isQuantized || width % 32 == 0, "width \(width) is no multiple of 32")
    self.isQuantized = isQuantized
    rows = try FloatRows(rowCapacity: rowCapacity, width: width)
    let quantizedRows = isQuantized ? rowCapacity : 0
    levels = try Region(of: Int16.self, counts: [quantizedRows, width])
    scales = try Region(of: Float.self, counts: [quantizedRows, width / 32])
    sums = try Region(of: Float.self, counts: [quantizedRows, width / 32])
  }

  var buffer: wk_activation_buffer {
    wk_activation_buffer(
      values: rows.values,
      levels: levels.typed(Int16.self),
      scales: scales.typed(Float.self),
      sums: sums.typed(Float.self),
      quantize: isQuantized
    )
  }

  var activations: wk_activations {
    wk_activations(
      values: rows.values,
      levels: levels.typed(Int16.self),
      scales: scales.typed(Float.self),
      sums: sums.typed(Float.self),
      depth: width
    )
  }
}
