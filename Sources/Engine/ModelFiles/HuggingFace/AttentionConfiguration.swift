import JSONText
import MeshTypes

/// What is particular about a model's attention.
package struct AttentionConfiguration: Hashable, Sendable {
  /// How many tokens a layer with a sliding window sees; nil if no layer has one.
  package var slidingWindow: Int?
  /// Whether each layer has the sliding window; empty if ``slidingWindow`` is nil.
  package var slidingLayers: [Bool]
  /// `attn_logit_softcapping`: scores become `cap * tanh(scores / cap)`.
  package var softCap: Float?
  /// What scores are multiplied by; nil for one over the square root of the head's dimension.
  package var scale: Float?

  init(
    _ config: JSONField,
    _ architecture: ModelArchitecture,
    layerCount: Int
  ) throws(MeshError) {
    softCap = try config.softCap("attn_logit_softcapping", architecture.attentionSoftCap)
    let scalar = try config["query_pre_attn_scalar"]?.number(in: 1e-3...1e6)
    scale = (scalar ?? (architecture.isGemma ? 256 : nil)).map { Float(1 / $0.squareRoot()) }
    slidingLayers = try Self.slidingLayers(config, architecture, layerCount)
    guard slidingLayers.contains(true) else {
      slidingWindow = nil
      slidingLayers = []
      return
    }
    slidingWindow = try config["sliding_window"]?.integer(in: 1...16_777_216) ?? 4096
  }

  private static func slidingLayers(
    _ config: JSONField,
    _ architecture: ModelArchitecture,
    _ layerCount: Int
  ) throws(MeshError) -> [Bool] {
    let hasWindow = config["sliding_window"] != nil
    if let types = config["layer_types"] {
      return try readTypes(types, layerCount)
    }
    switch architecture {
    case .gemma2:
      return (0..<layerCount).map { $0.isMultiple(of: 2) }
    case .gemma3:
      let pattern =
        try (config["sliding_window_pattern"] ?? config["_sliding_window_pattern"])?
        .integer(in: 1...1024) ?? 6
      return (0..<layerCount).map { ($0 + 1) % pattern != 0 }
    case .qwen2, .qwen3:
      guard hasWindow, try config["use_sliding_window"]?.boolean() ?? false else { return [] }
      let first = try config["max_window_layers"]?.integer(in: 0...1024) ?? 28
      return (0..<layerCount).map { $0 >= first }
    case .llama, .phi3:
      return Array(repeating: hasWindow, count: layerCount)
    }
  }

  private static func readTypes(_ types: JSONField, _ layerCount: Int) throws(MeshError) -> [Bool] {
    let layers = try types.elements().map { (type) throws(MeshError) in
      switch try type.string() {
      case "sliding_attention": return true
      case "full_attention": return false
      default: throw type.unsupported("\"full_attention\" or \"sliding_attention\"")
      }
    }
    guard layers.count == layerCount else {
      throw types.corrupted("must have one entry for each of \(layerCount) layers")
    }
    return layers
  }
}

extension JSONField {
  /// A bound of scores or logits; nil for none, which a folder says with `null`.
  ///
  /// - Parameter usual: What it is where there is no such key.
  func softCap(_ key: String, _ usual: Float?) throws(MeshError) -> Float? {
    guard value[key] != nil else { return usual }
    return try self[key].map { (field) throws(MeshError) in
      Float(try field.number(in: 1e-3...1e6))
    }
  }
}
