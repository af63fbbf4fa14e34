package import MeshTypes

/// A vector of f32 weights: a bias, or the factors of a norm. Immutable.
package final class WeightVector: @unchecked Sendable {
  /// The number of weights.
  package let count: Int
  private let region: Region

  /// Copies weights.
  ///
  /// - Throws: ``MeshError`` `resourceExhausted` when there is no memory.
  package init(_ weights: [Float]) throws(MeshError) {
    count = weights.count
    region = try Region(of: Float.self, counts: [weights.count])
    region.typed(Float.self).update(from: weights, count: weights.count)
  }

  var values: UnsafePointer<Float> { UnsafePointer(region.typed(Float.self)) }
}
