import CKernels
package import MeshTypes

/// A buffer of rows of activations on their way into matrix products: f32, and where a product takes
/// those, 8 bits with a scale per 32 values and one exact outlier per 128. Used by one thread at a
/// time.
package final class ActivationRows {
  package let rows: FloatRows
  /// Whether the quantised form is kept as well.
  package let isQuantized: Bool
  private let levels: Region
  private let outliers: Region

  package var width: Int { rows.width }
  package var rowCapacity: Int { rows.rowCapacity }
  /// Memory that it takes.
  package var byteCount: Int { rows.byteCount + levels.byteCount + outliers.byteCount }

  /// - Parameter isQuantized: Whether a quantised matrix reads it; then `width` must be a multiple
  ///   of 32.
  /// - Throws: ``MeshError`` `resourceExhausted` when there is no memory.
  package init(rowCapacity: Int, width: Int, isQuantized: Bool) throws(MeshError) {
    precondition(!isQuantized || width % 32 == 0, "width \(width) is no multiple of 32")
    self.isQuantized = isQuantized
    rows = try FloatRows(rowCapacity: rowCapacity, width: width)
    let blockRows = Int(WK_BLOCK_ROWS), outlierInputs = Int(WK_OUTLIER_INPUTS)
    let blocks = isQuantized ? (rowCapacity + blockRows - 1) / blockRows : 0
    levels = try Region(of: wk_level_block.self, counts: [blocks, width / Int(WK_GROUP_INPUTS)])
    outliers = try Region(
      of: wk_outlier_block.self,
      counts: [blocks, (width + outlierInputs - 1) / outlierInputs]
    )
  }

  var buffer: wk_activation_buffer {
    wk_activation_buffer(
      values: rows.values,
      levels: levels.typed(wk_level_block.self),
      outliers: outliers.typed(wk_outlier_block.self),
      quantize: isQuantized
    )
  }

  var activations: wk_activations {
    wk_activations(
      values: rows.values,
      levels: levels.typed(wk_level_block.self),
      outliers: outliers.typed(wk_outlier_block.self),
      depth: width
    )
  }
}
