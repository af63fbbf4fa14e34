import Kernels
import MeshTypes

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

  /// Puts weights in their places.
  ///
  /// - Parameter set: What ``WeightRequests`` asks for.
  init(_ set: WeightSet, layerCount: Int) throws(MeshError) {
    embedding = set.matrix("token_embd.weight")
    outputNorm = set.vector("output_norm.weight")
    output = set.matrices["output.weight"] ?? embedding
    rotaryFactors = set.vectors["rope_freqs.weight"]
    var layers: [LayerWeights] = []
    for index in 0..<layerCount { layers.append(try LayerWeights("blk.\(index)", set)) }
    self.layers = layers
  }

  /// Bytes of the packed matrices, wherever they lie.
  var byteCount: Int {
    let shared = output === embedding ? 0 : output.layout.byteCount
    return layers.reduce(shared + embedding.layout.byteCount) { sum, layer in
      layer.matrices.reduce(sum) { $0 + $1.layout.byteCount }
    }
  }
}

extension LayerWeights {
  /// All matrices.
  fileprivate var matrices: [WeightMatrix] {
    [query, key, value, attentionOutput, gate, up, down]
  }

  fileprivate init(_ prefix: String, _ set: WeightSet) throws(MeshError) {
    func matrix(_ name: String) -> WeightMatrix { set.matrix("\(prefix).\(name).weight") }
    func vector(_ name: String) throws(MeshError) -> WeightVector? {
      guard let values = set.vectors["\(prefix).\(name)"] else { return nil }
      return try WeightVector(values)
    }
    attentionNorm = set.vector("\(prefix).attn_norm.weight")
    query = matrix("attn_q")
    key = matrix("attn_k")
    value = matrix("attn_v")
    queryBias = try vector("attn_q.bias")
    keyBias = try vector("attn_k.bias")
    valueBias = try vector("attn_v.bias")
    queryNorm = try vector("attn_q_norm.weight")
    keyNorm = try vector("attn_k_norm.weight")
    attentionOutput = matrix("attn_output")
    postAttentionNorm = set.vectors["\(prefix).post_attention_norm.weight"]
    feedForwardNorm = set.vector("\(prefix).ffn_norm.weight")
    gate = matrix("ffn_gate")
    up = matrix("ffn_up")
    down = matrix("ffn_down")
    postFeedForwardNorm = set.vectors["\(prefix).post_ffw_norm.weight"]
  }
}
