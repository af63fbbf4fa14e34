import Glibc
package import MeshTypes

extension HuggingFaceConfiguration {
  /// The same as the metadata that a GGUF file of the model has, under the same keys.
  ///
  /// Two keys are ours or newer than most files: `<architecture>.attention.sliding_window_pattern`,
  /// an array that says of each layer whether it has the sliding window, and
  /// `<architecture>.rope.freq_base_swa`, the rotary base in those layers. A soft cap is `false`,
  /// and a window 0, where there is none and without the key there would be one.
  package func metadata() throws(MeshError) -> GGUFMetadata {
    var pairs: [(key: String, value: GGUFValue)] = [
      ("general.architecture", .string(architecture.rawValue))
    ]
    func add(_ key: String, _ value: GGUFValue) {
      pairs.append(("\(architecture.rawValue).\(key)", value))
    }
    func add(_ key: String, _ value: Int) { add(key, .uint32(UInt32(clamping: value))) }
    func add(_ key: String, _ value: Float?) {
      if let value { add(key, .float32(value)) }
    }
    add("block_count", layerCount)
    add("context_length", contextLength)
    add("embedding_length", width)
    add("feed_forward_length", feedForwardWidth)
    add("attention.head_count", queryHeadCount)
    add("attention.head_count_kv", kvHeadCount)
    add("attention.key_length", headDimension)
    add("attention.value_length", headDimension)
    add("attention.layer_norm_rms_epsilon", normEpsilon)
    add("vocab_size", vocabularySize)
    add("rope.dimension_count", rotary.dimension)
    add("rope.freq_base", rotary.base)
    add("rope.freq_base_swa", rotary.slidingBase)
    for (key, value) in rotary.scaling.metadata { add(key, value) }
    if let window = attention.slidingWindow {
      add("attention.sliding_window", window)
      add("attention.sliding_window_pattern", .array(.boolean(attention.slidingLayers)))
    } else if architecture == .gemma2 {
      add("attention.sliding_window", 0)
    }
    add("attention.scale", attention.scale)
    func add(_ key: String, _ cap: Float?, unlike usual: Float?) {
      add(key, cap)
      if cap == nil && usual != nil { add(key, .boolean(false)) }
    }
    add("attn_logit_softcapping", attention.softCap, unlike: architecture.attentionSoftCap)
    add("final_logit_softcapping", finalSoftCap, unlike: architecture.finalSoftCap)
    return try GGUFMetadata(pairs)
  }
}

extension RotaryConfiguration.Scaling {
  /// The keys below the architecture's. Llama 3's scaling has none: it is the tensor `rope_freqs`.
  fileprivate var metadata: [(key: String, value: GGUFValue)] {
    switch self {
    case .none, .llama3: return []
    case .linear(let factor):
      return [
        ("rope.scaling.type", .string("linear")), ("rope.scaling.factor", .float32(factor)),
      ]
    case .yarn(let factor, let original, let fast, let slow, let attentionFactor):
      let pairs: [(key: String, value: GGUFValue)] = [
        ("rope.scaling.type", .string("yarn")), ("rope.scaling.factor", .float32(factor)),
        ("rope.scaling.original_context_length", .uint32(UInt32(clamping: original))),
        ("rope.scaling.yarn_beta_fast", .float32(fast)),
        ("rope.scaling.yarn_beta_slow", .float32(slow)),
      ]
      return pairs
        // A GGUF file's factor comes on top of what YaRN computes; a folder's is all there is.
        + (attentionFactor.map { factorInAll in
          [("rope.scaling.attn_factor", .float32(factorInAll / (1 + 0.1 * log(factor))))]
        } ?? [])
    }
  }
}
