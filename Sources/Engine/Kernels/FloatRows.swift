package import MeshTypes

/// A buffer of rows of `width` f32 values, zero at first. Used by one thread at a time.
package final class FloatRows {
  package let width: Int
  /// The most rows that it holds.
  package let rowCapacity: Int
  let values: UnsafeMutablePointer<Float>
  private let region: Region

  /// Memory that it takes.
  package var byteCount: Int { region.byteCount }

  /// - Throws: ``MeshError`` `resourceExhausted` when there is no memory.
  package init(rowCapacity: Int, width: Int) throws(MeshError) {
    self.width = width
    self.rowCapacity = rowCapacity
    region = try Region(of: Float.self, counts: [rowCapacity, width])
    values = region.typed(Float.self)
  }

  /// Reads a row in place.
  package func withRow<R, E: Error>(
    _ row: Int,
    _ body: (Span<Float>) throws(E) -> R
  ) throws(E) -> R {
    precondition(0..<rowCapacity ~= row, "row \(row) of \(rowCapacity)")
    let buffer = UnsafeBufferPointer(start: values + row * width, count: width)
    return try body(buffer.span)
  }

  /// Writes a row in place.
  package func withMutableRow<R, E: Error>(
    _ row: Int,
    _ body: (inout MutableSpan<Float>) throws(E) -> R
  ) throws(E) -> R {
    precondition(0..<rowCapacity ~= row, "row \(row) of \(rowCapacity)")
    let buffer = UnsafeMutableBufferPointer(start: values + row * width, count: width)
    var span = buffer.mutableSpan
    return try body(&span)
  }
}
