import CKernels
package import MeshTypes

/// A weight matrix, packed for the kernels: `columns` outputs of `depth` inputs. Immutable.
package final class WeightMatrix: @unchecked Sendable {
  /// What the packed bytes mean.
  package let layout: MatrixLayout

  let matrix: wk_matrix
  /// Whoever keeps the packed bytes where they are.
  private let owner: AnyObject

  /// Outputs.
  package var columns: Int { layout.columns }
  /// Inputs.
  package var depth: Int { layout.depth }
  /// Whether products take quantised activations.
  package var isQuantized: Bool { wk_matrix_is_quantized([matrix]) }

  /// Packs a tensor into memory of its own.
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
    for hasWideScales in [false, true] {
      let layout = try MatrixLayout(
        format: format,
        hasWideScales: hasWideScales,
        columns: columns,
        depth: depth
      )
      guard layout.sourceByteCount == bytes.count, let base = bytes.baseAddress else {
        throw .invalid("matrix", "of \(columns) × \(depth) does not fit \(bytes.count) bytes")
      }
      let region = try Region(byteCount: layout.byteCount)
      let matrix = layout.matrix(at: region.typed(UInt8.self))
      let source = base.assumingMemoryBound(to: UInt8.self)
      if engine.pack(matrix, format: format, source: source) || hasWideScales {
        self.layout = layout
        self.matrix = matrix
        owner = region
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

  /// Uses bytes that were packed before, where they are.
  ///
  /// - Parameters:
  ///   - packed: As ``withPackedBytes(_:)`` lent them for the same layout. Whatever they are, kernels
  ///     stay within them.
  ///   - owner: Keeps the bytes where they are as long as it lives.
  /// - Throws: ``MeshError`` `invalidArgument` when the layout has another size.
  package init(
    packed: UnsafeRawBufferPointer,
    layout: MatrixLayout,
    owner: AnyObject
  ) throws(MeshError) {
    guard packed.count == layout.byteCount, let base = packed.baseAddress else {
      throw .invalid("matrix", "\(layout) does not fit \(packed.count) bytes")
    }
    self.layout = layout
    // Kernels that compute only read the panels.
    let panels = UnsafeMutablePointer(mutating: base.assumingMemoryBound(to: UInt8.self))
    matrix = layout.matrix(at: panels)
    self.owner = owner
  }

  /// Lends the packed bytes.
  package func withPackedBytes<R, E: Error>(
    _ body: (UnsafeRawBufferPointer) throws(E) -> R
  ) throws(E) -> R {
    defer { withExtendedLifetime(owner) {} }
    return try body(UnsafeRawBufferPointer(start: matrix.panels, count: layout.byteCount))
  }
}
