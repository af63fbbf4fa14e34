import Kernels
import MeshTypes
import ModelFiles

/// A model's weights by name, wherever they lie.
struct WeightSet {
  var matrices: [String: WeightMatrix] = [:]
  var vectors: [String: [Float]] = [:]

  /// A weight that was asked for.
  func matrix(_ name: String) -> WeightMatrix {
    guard let matrix = matrices[name] else { preconditionFailure("\(name) was not asked for") }
    return matrix
  }

  /// A vector that was asked for.
  func vector(_ name: String) -> [Float] {
    guard let vector = vectors[name] else { preconditionFailure("\(name) was not asked for") }
    return vector
  }
}

/// Packs the tensors of a model file.
struct WeightPacker {
  let file: any ModelSource
  let engine: KernelEngine
  let progress: ((LoadingProgress) -> Void)?

  enum Weight {
    case matrix(WeightMatrix)
    case vector([Float])
  }

  /// Packs weights one after the other.
  ///
  /// - Parameter use: Gets each; it is in memory as long as somebody keeps it.
  /// - Throws: ``MeshError`` `resourceExhausted` naming the tensor without memory, and what `use`
  ///   throws.
  func pack(
    _ sections: [[WeightRequest]],
    _ use: (_ section: Int, WeightRequest, Weight) throws(MeshError) -> Void
  ) throws(MeshError) {
    file.readAhead()
    var total = 0
    for request in sections.joined() {
      total += request.byteCount(in: try file.tensor(named: request.tensor))
    }
    var done = 0
    for (section, requests) in sections.enumerated() {
      for request in requests {
        let tensor = try file.tensor(named: request.tensor)
        try use(section, request, try pack(request, tensor))
        done += request.byteCount(in: tensor)
        progress?(
          LoadingProgress(tensor: request.name, loadedByteCount: done, totalByteCount: total)
        )
      }
    }
  }

  private func pack(_ request: WeightRequest, _ tensor: GGUFTensor) throws(MeshError) -> Weight {
    let format = try request.format(in: tensor)
    return try file.withBytes(of: tensor) { (bytes) throws(MeshError) in
      guard case .matrix(let depth, let columns, let total) = request.shape else {
        return .vector(format.dequantize(bytes))
      }
      do throws(MeshError) {
        return .matrix(
          try WeightMatrix(
            packing: bytes,
            format: format,
            columns: columns,
            of: total,
            depth: depth,
            engine: engine
          )
        )
      } catch {
        throw MeshError(error.code, "\(tensor.name): \(error.message)", field: tensor.name)
      }
    }
  }
}

extension WeightRequest {
  /// The weight's share of its tensor.
  fileprivate func byteCount(in tensor: GGUFTensor) -> Int {
    guard case .matrix(_, let columns, let total) = shape else { return tensor.byteCount }
    return tensor.byteCount / total * columns.count
  }
}
