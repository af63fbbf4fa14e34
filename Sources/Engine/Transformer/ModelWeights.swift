import Kernels
import MeshTypes
import ModelFiles

/// The weights of one layer.
struct LayerWeights {
  let attentionNorm: [Float]
  let query: WeightMatrix
  let key: WeightMatrix
  let value: WeightMatrix
  let queryBias: WeightVector?
  let keyBias: WeightVector?
  let valueBias: WeightVector?
  let queryNorm: WeightVector?
  let keyNorm: WeightVector?
  let attentionOutput: WeightMatrix
  let postAttentionNorm: [Float]?
  let feedForwardNorm: [Float]
  let gate: WeightMatrix
  let up: WeightMatrix
  let down: WeightMatrix
  let postFeedForwardNorm: [Float]?
}

/// The weights of a model, packed for the kernels.
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
    file: any ModelSource,
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
      ? try reader.vector("rope_freqs", count: configuration.rotary.dimension / 2) : nil
    try reader.checkThatAllAreRead()
  }
}

extension LayerWeights {
  fileprivate init(
    _ prefix: String,
    _ configuration: ModelConfiguration,
    _ reader: inout TensorReader
  ) throws(MeshError) {
    let architecture = configuration.architecture
    let width = configuration.width, queryWidth = configuration.queryWidth
    let kvWidth = configuration.kvWidth, feedForward = configuration.feedForwardWidth
    attentionNorm = try reader.vector("\(prefix).attn_norm", count: width)
    let parts = [queryWidth, kvWidth, kvWidth]
    let attention =
      architecture.fusesProjections
      ? try reader.matrices("\(prefix).attn_qkv", depth: width, columns: parts)
      : [
        try reader.matrix("\(prefix).attn_q", depth: width, columns: queryWidth),
        try reader.matrix("\(prefix).attn_k", depth: width, columns: kvWidth),
        try reader.matrix("\(prefix).attn_v", depth: width, columns: kvWidth),
      ]
    (query, key, value) = (attention[0], attention[1], attention[2])
    queryBias = try reader.biasIfPresent("\(prefix).attn_q", count: queryWidth)
    keyBias = try reader.biasIfPresent("\(prefix).attn_k", count: kvWidth)
    valueBias = try reader.biasIfPresent("\(prefix).attn_v", count: kvWidth)
    let dimension = configuration.headDimension
    func headNorm(_ name: String) throws(MeshError) -> WeightVector? {
      guard architecture.hasHeadNorms else { return nil }
      return try WeightVector(try reader.vector("\(prefix).\(name)", count: dimension))
    }
    queryNorm = try headNorm("attn_q_norm")
    keyNorm = try headNorm("attn_k_norm")
    attentionOutput = try reader.matrix("\(prefix).attn_output", depth: queryWidth, columns: width)
    postAttentionNorm =
      architecture.hasPostNorms
      ? try reader.vector("\(prefix).post_attention_norm", count: width) : nil
    feedForwardNorm = try reader.vector("\(prefix).ffn_norm", count: width)
    let gates =
      architecture.fusesProjections
      ? try reader.matrices("\(prefix).ffn_up", depth: width, columns: [feedForward, feedForward])
      : [
        try reader.matrix("\(prefix).ffn_gate", depth: width, columns: feedForward),
        try reader.matrix("\(prefix).ffn_up", depth: width, columns: feedForward),
      ]
    (gate, up) = (gates[0], gates[1])
    down = try reader.matrix("\(prefix).ffn_down", depth: feedForward, columns: width)
    postFeedForwardNorm =
      architecture.hasPostNorms ? try reader.vector("\(prefix).post_ffw_norm", count: width) : nil
  }
}
