import Kernels
package import MeshTypes
package import ModelFiles

/// The shape of a llama-architecture model, read from its file's metadata and bounded.
package struct ModelConfiguration: Hashable, Sendable {
  package var layerCount: Int
  /// Values of a token's hidden state.
  package var width: Int
  package var feedForwardWidth: Int
  package var queryHeadCount: Int
  package var kvHeadCount: Int
  package var headDimension: Int
  /// Leading dimensions of a head that rotate.
  package var rotaryDimension: Int
  package var rotaryBase: Float
  /// Positions are divided by it: linear scaling of the rotary embedding; 1 for none.
  package var rotaryScale: Float
  package var normEpsilon: Float
  /// The most tokens of a sequence.
  package var contextLength: Int
  package var vocabularySize: Int

  /// Values of a token's queries.
  package var queryWidth: Int { queryHeadCount * headDimension }
  /// Values of a token's keys, and of its values.
  package var kvWidth: Int { kvHeadCount * headDimension }

  /// Reads `general.architecture` and `llama.*`.
  ///
  /// - Throws: ``MeshError`` `unimplemented` for another architecture or a rotary scaling that Weft
  ///   does not compute, `notFound` or `corrupted` for a missing key or a value out of range. The
  ///   field is the key.
  package init(file: GGUFFile) throws(MeshError) {
    let metadata = file.metadata
    let architecture = try metadata.string("general.architecture")
    guard architecture == "llama" else {
      throw MeshError(
        .unimplemented,
        "general.architecture must be llama, found \(architecture.prefix(64).debugDescription)",
        field: "general.architecture"
      )
    }
    layerCount = try metadata.integer("llama.block_count", in: 1...1024)
    width = try metadata.integer("llama.embedding_length", in: 1...65_536)
    feedForwardWidth = try metadata.integer("llama.feed_forward_length", in: 1...1_048_576)
    queryHeadCount = try metadata.integer("llama.attention.head_count", in: 1...1024)
    kvHeadCount =
      try metadata.integerIfPresent("llama.attention.head_count_kv", in: 1...1024)
      ?? queryHeadCount
    headDimension =
      try metadata.integerIfPresent("llama.attention.key_length", in: 1...256)
      ?? width / queryHeadCount
    rotaryDimension =
      try metadata.integerIfPresent("llama.rope.dimension_count", in: 2...256) ?? headDimension
    rotaryBase = try metadata.floatIfPresent("llama.rope.freq_base", in: 1...1e12) ?? 10_000
    rotaryScale = try Self.rotaryScale(metadata)
    normEpsilon = try metadata.float("llama.attention.layer_norm_rms_epsilon", in: 0...1)
    contextLength = try metadata.integer("llama.context_length", in: 1...16_777_216)
    vocabularySize = try Self.vocabularySize(file)
    try checkHeads(metadata)
  }

  private static func rotaryScale(_ metadata: GGUFMetadata) throws(MeshError) -> Float {
    switch try metadata.stringIfPresent("llama.rope.scaling.type") {
    case nil, "none":
      return try metadata.floatIfPresent("llama.rope.scale_linear", in: 1e-3...1e3) ?? 1
    case "linear":
      return try metadata.float("llama.rope.scaling.factor", in: 1e-3...1e3)
    case let other?:
      throw MeshError(
        .unimplemented,
        "llama.rope.scaling.type must be none or linear, found \(other.prefix(64).debugDescription)",
        field: "llama.rope.scaling.type"
      )
    }
  }

  /// The rows of the embedding table: the file's own word for the vocabulary may be missing.
  private static func vocabularySize(_ file: GGUFFile) throws(MeshError) -> Int {
    let embedding = try file.tensor(named: "token_embd.weight")
    guard embedding.dimensions.count == 2, 1...WeightMatrix.sizeLimit ~= embedding.dimensions[1]
    else {
      throw MeshError(
        .corrupted,
        "token_embd.weight must have 2 dimensions, the second in 1...\(WeightMatrix.sizeLimit), "
          + "found \(embedding.dimensions)",
        field: "token_embd.weight"
      )
    }
    return embedding.dimensions[1]
  }

  private func checkHeads(_ metadata: GGUFMetadata) throws(MeshError) {
    guard queryHeadCount % kvHeadCount == 0 else {
      throw mismatch(
        "llama.attention.head_count_kv",
        "must divide \(queryHeadCount) heads, found \(kvHeadCount)"
      )
    }
    guard metadata["llama.attention.key_length"] != nil || width % queryHeadCount == 0 else {
      throw mismatch(
        "llama.attention.head_count",
        "must divide the width \(width), found \(queryHeadCount)"
      )
    }
    let valueLength = try metadata.integerIfPresent("llama.attention.value_length")
    guard valueLength ?? headDimension == headDimension else {
      throw MeshError(
        .unimplemented,
        "llama.attention.value_length must be \(headDimension) as the key length",
        field: "llama.attention.value_length"
      )
    }
    guard 16...256 ~= headDimension, headDimension % 16 == 0 else {
      throw MeshError(
        .unimplemented,
        "llama.attention.key_length must be a multiple of 16 in 16...256, found \(headDimension)",
        field: "llama.attention.key_length"
      )
    }
    guard rotaryDimension % 2 == 0, rotaryDimension <= headDimension else {
      throw mismatch(
        "llama.rope.dimension_count",
        "must be even and at most \(headDimension), found \(rotaryDimension)"
      )
    }
  }

  private func mismatch(_ key: String, _ message: String) -> MeshError {
    MeshError(.corrupted, "\(key) \(message)", field: key)
  }
}
