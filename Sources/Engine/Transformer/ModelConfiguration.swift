import Kernels
package import MeshTypes
package import ModelFiles

/// The shape of a model, read from its file's metadata and bounded.
package struct ModelConfiguration: Hashable, Sendable {
  package var architecture: Architecture
  package var layerCount: Int
  /// Values of a token's hidden state.
  package var width: Int
  package var feedForwardWidth: Int
  package var queryHeadCount: Int
  package var kvHeadCount: Int
  package var headDimension: Int
  /// What queries times keys are multiplied with.
  package var attentionScale: Float
  /// What bounds attention's scores, softly; nil: nothing.
  package var attentionSoftCap: Float?
  /// What bounds logits, softly; nil: nothing.
  package var finalSoftCap: Float?
  /// The positions that a token sees, its own included, in layers with a window; nil: all.
  package var slidingWindow: Int?
  /// Which layers have the window, if the file says so of each.
  package var windowedLayers: [Bool]?
  package var rotary: RotaryScheme
  /// That of layers with a window.
  package var localRotary: RotaryScheme
  package var normEpsilon: Float
  /// The most tokens of a sequence.
  package var contextLength: Int
  package var vocabularySize: Int

  /// Values of a token's queries.
  package var queryWidth: Int { queryHeadCount * headDimension }
  /// Values of a token's keys, and of its values.
  package var kvWidth: Int { kvHeadCount * headDimension }

  /// Whether a layer's tokens see no more than the sliding window.
  package func hasWindow(layer: Int) -> Bool {
    guard slidingWindow != nil else { return false }
    if let windowedLayers { return windowedLayers[layer] }
    return architecture.globalLayerPeriod.map { (layer + 1) % $0 != 0 } ?? true
  }

  /// Reads `general.architecture` and the keys of that architecture.
  ///
  /// - Throws: ``MeshError`` `unimplemented` for an architecture, or something in it, that Weft does
  ///   not compute, `notFound` or `corrupted` for a missing key or a value out of range. The field is
  ///   the key.
  package init(file: any ModelSource) throws(MeshError) {
    let architecture = try Self.architecture(file.metadata)
    let metadata = ModelMetadata(file.metadata, prefix: architecture.name)
    self.architecture = architecture
    layerCount = try metadata.integer("block_count", in: 1...1024)
    width = try metadata.integer("embedding_length", in: 1...65_536)
    feedForwardWidth = try metadata.integer("feed_forward_length", in: 1...1_048_576)
    queryHeadCount = try metadata.integer("attention.head_count", in: 1...1024)
    kvHeadCount =
      try metadata.integerIfPresent("attention.head_count_kv", in: 1...1024) ?? queryHeadCount
    headDimension =
      try metadata.integerIfPresent("attention.key_length", in: 1...256) ?? width / queryHeadCount
    normEpsilon = try metadata.float("attention.layer_norm_rms_epsilon", in: 0...1)
    contextLength = try metadata.integer("context_length", in: 1...16_777_216)
    let window =
      try metadata.integerIfPresent("attention.sliding_window", in: 0...16_777_216)
      ?? architecture.slidingWindow ?? 0
    slidingWindow = window > 0 && window < contextLength ? window : nil
    windowedLayers = try metadata.booleansIfPresent(
      "attention.sliding_window_pattern",
      count: layerCount
    )
    attentionScale = 1 / Float(headDimension).squareRoot()
    if layerCount == architecture.widthScaledLayerCount {
      attentionScale = 1 / (Float(width) / Float(queryHeadCount)).squareRoot()
    }
    attentionScale =
      try metadata.floatIfPresent("attention.scale", in: 1e-6...1e6) ?? attentionScale
    attentionSoftCap = try metadata.softCap("attn_logit_softcapping", architecture.attentionSoftCap)
    finalSoftCap = try metadata.softCap("final_logit_softcapping", architecture.finalSoftCap)
    vocabularySize = try Self.vocabularySize(file)
    rotary = RotaryScheme(dimension: headDimension, base: 10_000)
    localRotary = rotary
    try checkHeads(metadata)
    rotary = try RotaryScheme(metadata, headDimension: headDimension)
    localRotary = rotary
    if let base = architecture.localRotaryBase {
      localRotary = RotaryScheme(
        dimension: rotary.dimension,
        base: try metadata.floatIfPresent("rope.freq_base_swa", in: 1...1e12) ?? base
      )
    }
  }

  private static func architecture(_ metadata: GGUFMetadata) throws(MeshError) -> Architecture {
    let name = try metadata.string("general.architecture")
    guard let architecture = Architecture.all.first(where: { $0.name == name }) else {
      let names = Architecture.all.map(\.name).joined(separator: ", ")
      throw MeshError(
        .unimplemented,
        "general.architecture must be one of \(names), found \(name.prefix(64).debugDescription)",
        field: "general.architecture"
      )
    }
    return architecture
  }

  /// The rows of the embedding table: the file's own word for the vocabulary may be missing.
  private static func vocabularySize(_ file: any ModelSource) throws(MeshError) -> Int {
    let embedding = try file.tensor(named: "token_embd.weight")
    guard embedding.dimensions.count == 2, 1...MatrixLayout.sizeLimit ~= embedding.dimensions[1]
    else {
      throw MeshError(
        .corrupted,
        "token_embd.weight must have 2 dimensions, the second in 1...\(MatrixLayout.sizeLimit), "
          + "found \(embedding.dimensions)",
        field: "token_embd.weight"
      )
    }
    let rows = embedding.dimensions[1]
    let tokenCount = try file.metadata.stringsIfPresent("tokenizer.ggml.tokens")?.count ?? rows
    guard tokenCount == rows else {
      throw MeshError(
        .corrupted,
        "tokenizer.ggml.tokens must have \(rows) entries, as token_embd.weight has rows, "
          + "found \(tokenCount)",
        field: "tokenizer.ggml.tokens"
      )
    }
    return rows
  }

  private func checkHeads(_ metadata: ModelMetadata) throws(MeshError) {
    guard queryHeadCount % kvHeadCount == 0 else {
      throw metadata.mismatch(
        "attention.head_count_kv",
        "must divide \(queryHeadCount) heads, found \(kvHeadCount)"
      )
    }
    let hasKeyLength = try metadata.integerIfPresent("attention.key_length", in: 1...256) != nil
    guard hasKeyLength || width % queryHeadCount == 0 else {
      throw metadata.mismatch(
        "attention.head_count",
        "must divide the width \(width), found \(queryHeadCount)"
      )
    }
    let valueLength = try metadata.integerIfPresent("attention.value_length", in: 1...256)
    guard valueLength ?? headDimension == headDimension else {
      throw metadata.unimplemented(
        "attention.value_length",
        "must be \(headDimension) as the key length"
      )
    }
    guard 16...256 ~= headDimension, headDimension % 16 == 0 else {
      throw metadata.unimplemented(
        "attention.key_length",
        "must be a multiple of 16 in 16...256, found \(headDimension)"
      )
    }
  }
}
