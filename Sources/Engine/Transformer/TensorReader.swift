import Kernels
import MeshTypes
import ModelFiles

/// Reads tensors of a file by name and checks their shapes.
struct TensorReader {
  let file: any ModelSource
  let engine: KernelEngine
  let progress: ((Double) -> Void)?
  let totalByteCount: Int
  private var readByteCount = 0
  private var readNames: Set<String> = []

  init(file: any ModelSource, engine: KernelEngine, progress: ((Double) -> Void)?) {
    self.file = file
    self.engine = engine
    self.progress = progress
    // Tensors lie in the file without overlap, so that the sum fits in an Int.
    totalByteCount = max(file.tensors.reduce(0) { $0 + $1.byteCount }, 1)
  }

  /// The tensor `name`.weight as a matrix of `columns` outputs of `depth` inputs.
  mutating func matrix(
    _ name: String,
    depth: Int,
    columns: Int
  ) throws(MeshError) -> WeightMatrix {
    try matrices(name, depth: depth, columns: [columns])[0]
  }

  /// The tensor `name`.weight as several matrices, whose outputs follow each other in it.
  mutating func matrices(
    _ name: String,
    depth: Int,
    columns: [Int]
  ) throws(MeshError) -> [WeightMatrix] {
    let total = columns.reduce(0, +)
    let tensor = try tensor("\(name).weight", dimensions: [depth, total])
    let format = try format(of: tensor)
    let engine = engine
    return try file.withBytes(of: tensor) { (bytes) throws(MeshError) in
      var matrices: [WeightMatrix] = []
      var first = 0
      for columns in columns {
        do throws(MeshError) {
          matrices.append(
            try WeightMatrix(
              packing: bytes,
              format: format,
              columns: first..<first + columns,
              of: total,
              depth: depth,
              engine: engine
            )
          )
        } catch {
          throw MeshError(error.code, "\(tensor.name): \(error.message)", field: tensor.name)
        }
        first += columns
      }
      return matrices
    }
  }

  /// The tensor `name`.bias, if there is one.
  mutating func biasIfPresent(_ name: String, count: Int) throws(MeshError) -> WeightVector? {
    guard file.hasTensor(named: "\(name).bias") else { return nil }
    return try WeightVector(try values("\(name).bias", count: count))
  }

  /// The tensor `name`.weight as f32.
  mutating func vector(_ name: String, count: Int) throws(MeshError) -> [Float] {
    try values("\(name).weight", count: count)
  }

  private mutating func values(_ name: String, count: Int) throws(MeshError) -> [Float] {
    let tensor = try tensor(name, dimensions: [count])
    let format = try format(of: tensor)
    return file.withBytes(of: tensor) { format.dequantize($0) }
  }

  /// - Throws: ``MeshError`` `unimplemented` naming a tensor that nobody asked for: the model computes
  ///   something with it that Weft does not.
  func checkThatAllAreRead() throws(MeshError) {
    guard let stray = file.tensors.first(where: { !readNames.contains($0.name) }) else { return }
    throw MeshError(
      .unimplemented,
      "\(stray.name) is no tensor of this architecture",
      field: stray.name
    )
  }

  private mutating func tensor(
    _ name: String,
    dimensions: [Int]
  ) throws(MeshError) -> GGUFTensor {
    let tensor = try file.tensor(named: name)
    guard tensor.dimensions == dimensions else {
      throw MeshError(
        .corrupted,
        "\(name) must have the dimensions \(dimensions), found \(tensor.dimensions)",
        field: name
      )
    }
    readByteCount += tensor.byteCount
    readNames.insert(name)
    progress?(Double(readByteCount) / Double(totalByteCount))
    return tensor
  }

  private func format(of tensor: GGUFTensor) throws(MeshError) -> WeightFormat {
    guard let format = WeightFormat(ggmlType: tensor.type.ggmlType) else {
      throw MeshError(
        .unimplemented,
        "\(tensor.name) has the type \(tensor.type), which has no kernel",
        field: tensor.name
      )
    }
    return format
  }
}
