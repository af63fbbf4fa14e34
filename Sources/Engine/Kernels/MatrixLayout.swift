import CKernels
package import MeshTypes

/// How a weight matrix is packed: what its bytes mean, for ``WeightMatrix`` and for files of packed
/// weights.
package struct MatrixLayout: Hashable, Sendable {
  /// Names the arrangement of packed bytes for all layouts. Whoever changes it changes the name, so
  /// that files of the former arrangement are not read; a test that pins the bytes enforces that.
  package static let arrangement = "panels-16-v1"

  /// The most rows or columns of a matrix.
  package static let sizeLimit = 1 << 24

  /// How the weights were stored before they were packed.
  package let format: WeightFormat
  /// Whether scales are f32, because f16 does not hold all of them exactly.
  package let hasWideScales: Bool
  /// Outputs.
  package let columns: Int
  /// Inputs.
  package let depth: Int
  /// Bytes of the packed matrix.
  package let byteCount: Int

  /// - Throws: ``MeshError`` `invalidArgument` for sizes that there are no kernels for,
  ///   `resourceExhausted` when the bytes do not fit in an `Int`.
  package init(
    format: WeightFormat,
    hasWideScales: Bool,
    columns: Int,
    depth: Int
  ) throws(MeshError) {
    guard
      1...Self.sizeLimit ~= columns, 1...Self.sizeLimit ~= depth,
      depth % format.weightsPerBlock == 0
    else {
      throw .invalid(
        "matrix",
        "must have 1...\(Self.sizeLimit) columns and as many rows, a multiple of "
          + "\(format.weightsPerBlock), got \(columns) × \(depth)"
      )
    }
    self.format = format
    self.hasWideScales = hasWideScales
    self.columns = columns
    self.depth = depth
    let matrix = wk_matrix_describe(format.format, hasWideScales, columns, depth)
    byteCount = try Region.byteCount(of: [wk_matrix_panel_count([matrix]), matrix.panel_bytes])
  }

  /// Bytes of the matrix before it is packed.
  var sourceByteCount: Int { columns * (depth / format.weightsPerBlock * format.bytesPerBlock) }

  /// The kernels' description of a matrix with panels at a place, which must hold ``byteCount`` bytes.
  func matrix(at panels: UnsafeMutablePointer<UInt8>) -> wk_matrix {
    var matrix = wk_matrix_describe(format.format, hasWideScales, columns, depth)
    matrix.panels = panels
    return matrix
  }
}
