package import JSONText
package import MeshTypes

/// The shape of a model, read from a Hugging Face folder's `config.json` and bounded.
package struct HuggingFaceConfiguration: Hashable, Sendable {
  package var architecture: ModelArchitecture
  package var layerCount: Int
  /// Values of a token's hidden state.
  package var width: Int
  package var feedForwardWidth: Int
  package var queryHeadCount: Int
  package var kvHeadCount: Int
  package var headDimension: Int
  package var rotary: RotaryConfiguration
  package var normEpsilon: Float
  /// The most tokens of a sequence.
  package var contextLength: Int
  package var vocabularySize: Int
  package var attention: AttentionConfiguration
  /// `final_logit_softcapping`: logits become `cap * tanh(logits / cap)`.
  package var finalSoftCap: Float?
  /// Whether the output matrix is the embedding.
  package var tiesEmbeddings: Bool

  /// Reads `config.json`.
  ///
  /// - Throws: ``MeshError`` `unimplemented` for a model, activation, scaling or quantisation that
  ///   is not known here, `notFound` or `corrupted` for a key that is missing or out of range. The
  ///   field is the path of the key.
  package init(_ json: JSONValue) throws(MeshError) {
    let top = JSONField(json)
    let modelType = try top.member("model_type")
    guard let architecture = ModelArchitecture(modelType: try modelType.string()) else {
      throw modelType.unsupported("one of \(ModelArchitecture.acceptedModelTypes)")
    }
    // Models that see have their language part one level down.
    let config = top["text_config"] ?? top
    if let quantization = top["quantization_config"] ?? config["quantization_config"] {
      throw quantization.unsupported("absent: weights must be F32, F16 or BF16")
    }
    let isGemma = architecture.isGemma
    func integer(
      _ key: String,
      _ range: ClosedRange<Int>,
      gemma custom: Int?
    ) throws(MeshError) -> Int {
      if let field = config[key] { return try field.integer(in: range) }
      if isGemma, let custom { return custom }
      return try config.member(key).integer(in: range)
    }
    self.architecture = architecture
    layerCount = try integer("num_hidden_layers", 1...1024, gemma: 26)
    width = try integer("hidden_size", 1...65_536, gemma: 2304)
    feedForwardWidth = try integer("intermediate_size", 1...1_048_576, gemma: 9216)
    queryHeadCount = try integer("num_attention_heads", 1...1024, gemma: 8)
    kvHeadCount =
      try config["num_key_value_heads"]?.integer(in: 1...1024)
      ?? (isGemma ? 4 : queryHeadCount)
    headDimension = try Self.headDimension(config, architecture, width, queryHeadCount)
    let (usualContext, usualVocabulary) =
      architecture == .gemma2 ? (8192, 256_000) : (131_072, 262_208)
    contextLength = try integer("max_position_embeddings", 1...16_777_216, gemma: usualContext)
    vocabularySize = try integer("vocab_size", 1...(1 << 24), gemma: usualVocabulary)
    normEpsilon =
      try (isGemma && config["rms_norm_eps"]?.value == nil)
      ? 1e-6 : Float(config.member("rms_norm_eps").number(in: 0...1))
    rotary = try RotaryConfiguration(
      config,
      architecture,
      headDimension: headDimension,
      contextLength: contextLength
    )
    attention = try AttentionConfiguration(config, architecture, layerCount: layerCount)
    finalSoftCap = try config.softCap("final_logit_softcapping", architecture.finalSoftCap)
    tiesEmbeddings =
      try (top["tie_word_embeddings"] ?? config["tie_word_embeddings"])?.boolean() ?? isGemma
    try checkActivation(config)
    guard queryHeadCount % kvHeadCount == 0 else {
      throw try config.member("num_key_value_heads").corrupted(
        "must divide \(queryHeadCount) heads, is \(kvHeadCount)"
      )
    }
  }

  private static func headDimension(
    _ config: JSONField,
    _ architecture: ModelArchitecture,
    _ width: Int,
    _ headCount: Int
  ) throws(MeshError) -> Int {
    if let field = config["head_dim"] { return try field.integer(in: 1...1024) }
    switch architecture {
    case .gemma2, .gemma3: return 256
    case .qwen3: return 128
    case .llama, .qwen2, .phi3: break
    }
    guard width % headCount == 0 else {
      throw try config.member("num_attention_heads").corrupted(
        "must divide the width \(width), is \(headCount)"
      )
    }
    return width / headCount
  }

  private func checkActivation(_ config: JSONField) throws(MeshError) {
    guard let field = config["hidden_activation"] ?? config["hidden_act"] else { return }
    guard try field.string() == architecture.activation else {
      throw field.unsupported("\"\(architecture.activation)\"")
    }
  }
}
