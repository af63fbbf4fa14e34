import CKernels
package import MeshTypes

/// The rotation of each row's position: cosines and sines, one per pair of dimensions.
package final class RotaryAngles {
  /// Radians per position, one per pair.
  package let frequencies: [Float]
  /// What cosines and sines are multiplied with.
  package let magnitude: Float
  let cosines: FloatRows
  let sines: FloatRows

  /// Memory that it takes.
  package var byteCount: Int { cosines.byteCount + sines.byteCount }

  /// - Throws: ``MeshError`` `resourceExhausted` when there is no memory.
  package init(
    frequencies: [Float],
    magnitude: Float = 1,
    rowCapacity: Int
  ) throws(MeshError) {
    self.frequencies = frequencies
    self.magnitude = magnitude
    cosines = try FloatRows(rowCapacity: rowCapacity, width: frequencies.count)
    sines = try FloatRows(rowCapacity: rowCapacity, width: frequencies.count)
  }
}

extension KernelEngine {
  /// Computes the angles of rows at `positions`.
  package func computeAngles(_ angles: RotaryAngles, positions: [UInt32]) {
    precondition(positions.count <= angles.cosines.rowCapacity, "too many rows")
    wk_angles(
      pointer,
      positions,
      positions.count,
      angles.frequencies,
      angles.frequencies.count,
      angles.magnitude,
      angles.cosines.values,
      angles.sines.values
    )
  }
}
