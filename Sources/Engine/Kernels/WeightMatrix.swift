import CKernels
package import MeshTypes

/// A weight matrix, packed for the kernels: `columns` outputs of `depth` inputs. Immutable.
package final class WeightMatrix: @unchecked Sendable {
  /// The most rows or columns of a matrix.
  package static let sizeLimit = 1 << 24

  let matrix: wk_matrix
  private let region: Region

  /// Outputs.
  package var columns: Int { matrix.columns }
  /// Inputs.
  package var depth: Int { matrix.depth }
  /// Whether products take quantised activations.
  package var isQuantized: Bool { wk_matrix_is_quantized([matrix]) }
  /// Memory that the packed weights take.
  package var byteCount: Int { region.byteCount }

  /// Packs a tensor.
  ///
  /// - Parameters:
  ///   - bytes: `columns` rows of `depth` weights.
  ///   - format: How the weights are stored; `depth` is a multiple of its block.
  ///   - engine: Does the work.
  /// - Throws: ``MeshError`` `invalidArgument` when the sizes do not match, `resourceExhausted` when
  ///   there is no memory.
  package init(
    packing bytes: UnsafeRawBufferPointer,
    format: WeightFormat,
    columns: Int,
    depth: Int,
    engine: KernelEngine
  ) throws(MeshError) {
    guard
      1...Self.sizeLimit ~= columns, 1...Self.sizeLimit ~= depth,
      depth % format.weightsPerBlock == 0,
      columns * (depth / format.weightsPerBlock * format.bytesPerBlock) == bytes.count,
      let base = bytes.baseAddress
    else {
      throw .invalid("matrix", "of \(columns) × \(depth) does not fit \(bytes.count) bytes")
    }
    let source = base.assumingMemoryBound(to: UInt8.self)
    for wideScales in [false, true] {
      var matrix = wk_matrix_describe(format.format, wideScales, columns, depth)
      let panelCount = wk_matrix_panel_count([matrix])
      let region = try Region(of: UInt8.self, counts: [panelCount, matrix.panel_bytes])
      matrix.panels = region.typed(UInt8.self)
      if engine.pack(matrix, format: format, source: source) || wideScales {
        self.matrix = matrix
        self.region = region
        return
      }
    }
    fatalError("wide scales hold every value")
  }

  /// Packs some outputs of a tensor.
  ///
  /// - Parameters:
  ///   - bytes: `columnCount` rows of `depth` weights.
  ///   - columns: Which of them.
  /// - Throws: As ``init(packing:format:columns:depth:engine:)``.
  package convenience init(
    packing bytes: UnsafeRawBufferPointer,
    format: WeightFormat,
    columns: Range<Int>,
    of columnCount: Int,
    depth: Int,
    engine: KernelEngine
  ) throws(MeshError) {
    precondition(columns.lowerBound >= 0 && columns.upperBound <= columnCount, "no such columns")
    let byteCount = bytes.count / columnCount
    let part = bytes[columns.lowerBound * byteCount..<columns.upperBound * byteCount]
    try self.init(
      packing: UnsafeRawBufferPointer(rebasing: part),
      format: format,
      columns: columns.count,
      depth: depth,
      engine: engine
    )
  }
}
