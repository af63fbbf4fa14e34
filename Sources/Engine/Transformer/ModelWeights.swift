import Kernels
import MeshTypes
import ModelFiles

/// The weights of one layer.
struct LayerWeights {
  let attentionNorm: [Float]
  let query: WeightMatrix
  let key: WeightMatrix
  let value: WeightMatrix
  let attentionOutput: WeightMatrix
  let feedForwardNorm: [Float]
  let gate: WeightMatrix
  let up: WeightMatrix
  let down: WeightMatrix
}

/// The weights of a llama-architecture model, packed for the kernels.
struct ModelWeights {
  let embedding: WeightMatrix
  let layers: [LayerWeights]
  let outputNorm: [Float]
  /// The embedding itself where the file has no `output.weight`.
  let output: WeightMatrix
  /// What the frequency of each rotating pair is divided by, if the file says.
  let rotaryFactors: [Float]?

  /// Packs all tensors.
  ///
  /// - Parameter progress: Called now and then with the packed fraction of the tensors' bytes.
  /// - Throws: ``MeshError`` `notFound` for a missing tensor, `corrupted` for one of another shape
  ///   than the metadata says, `resourceExhausted` without memory. The field is the tensor.
  init(
    file: GGUFFile,
    configuration: ModelConfiguration,
    engine: KernelEngine,
    progress: ((Double) -> Void)?
  ) throws(MeshError) {
    var reader = TensorReader(file: file, engine: engine, progress: progress)
    let width = configuration.width
    embedding = try reader.matrix("token_embd", depth: width, columns: configuration.vocabularySize)
    var layers: [LayerWeights] = []
    for index in 0..<configuration.layerCount {
      layers.append(try LayerWeights("blk.\(index)", configuration, &reader))
    }
    self.layers = layers
    outputNorm = try reader.vector("output_norm", count: width)
    output =
      file.hasTensor(named: "output.weight")
      ? try reader.matrix("output", depth: width, columns: configuration.vocabularySize)
      : embedding
    rotaryFactors =
      file.hasTensor(named: "rope_freqs.weight")
      ? try reader.vector("rope_freqs", count: configuration.rotaryDimension / 2) : nil
  }
}

extension LayerWeights {
  fileprivate init(
    _ prefix: String,
    _ configuration: ModelConfiguration,
    _ reader: inout TensorReader
  ) throws(MeshError) {
    let width = configuration.width, queryWidth = configuration.queryWidth
    let kvWidth = configuration.kvWidth, feedForward = configuration.feedForwardWidth
    attentionNorm = try reader.vector("\(prefix).attn_norm", count: width)
    query = try reader.matrix("\(prefix).attn_q", depth: width, columns: queryWidth)
    key = try reader.matrix("\(prefix).attn_k", depth: width, columns: kvWidth)
    value = try reader.matrix("\(prefix).attn_v", depth: width, columns: kvWidth)
    attentionOutput = try reader.matrix("\(prefix).attn_output", depth: queryWidth, columns: width)
    feedForwardNorm = try reader.vector("\(prefix).ffn_norm", count: width)
    gate = try reader.matrix("\(prefix).ffn_gate", depth: width, columns: feedForward)
    up = try reader.matrix("\(prefix).ffn_up", depth: width, columns: feedForward)
    down = try reader.matrix("\(prefix).ffn_down", depth: feedForward, columns: width)
  }
}

/// Reads tensors of a file by name and checks their shapes.
private struct TensorReader {
  let file: GGUFFile
  let engine: KernelEngine
  let progress: ((Double) -> Void)?
  let totalByteCount: Int
  var readByteCount = 0

  init(file: GGUFFile, engine: KernelEngine, progress: ((Double) -> Void)?) {
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
    let tensor = try tensor("\(name).weight", dimensions: [depth, columns])
    let format = try format(of: tensor)
    let engine = engine
    return try file.withBytes(of: tensor) { (bytes) throws(MeshError) in
      do throws(MeshError) {
        return try WeightMatrix(
          packing: bytes,
          format: format,
          columns: columns,
          depth: depth,
          engine: engine
        )
      } catch {
        throw MeshError(error.code, "\(tensor.name): \(error.message)", field: tensor.name)
      }
    }
  }

  /// The tensor `name`.weight as f32.
  mutating func vector(_ name: String, count: Int) throws(MeshError) -> [Float] {
    let tensor = try tensor("\(name).weight", dimensions: [count])
    let format = try format(of: tensor)
    return file.withBytes(of: tensor) { format.dequantize($0) }
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
