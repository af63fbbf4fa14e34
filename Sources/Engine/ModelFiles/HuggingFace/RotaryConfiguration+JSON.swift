import JSONText
import MeshTypes

extension RotaryConfiguration {
  /// Reads `rope_theta` and `rope_scaling`, or `rope_parameters`, which holds both since 2025.
  init(
    _ config: JSONField,
    _ architecture: ModelArchitecture,
    headDimension: Int,
    contextLength: Int
  ) throws(MeshError) {
    let all = config["rope_parameters"]
    // Gemma's newer files have parameters for each kind of layer.
    let parameters = all?["full_attention"] ?? all
    let isGemma3 = architecture == .gemma3
    base =
      try Self.base(parameters?["rope_theta"] ?? config["rope_theta"])
      ?? (isGemma3 ? 1_000_000 : 10_000)
    slidingBase =
      try Self.base(all?["sliding_attention"]?["rope_theta"] ?? config["rope_local_base_freq"])
      ?? (isGemma3 ? 10_000 : nil)
    let portion =
      try (parameters?["partial_rotary_factor"] ?? config["partial_rotary_factor"])?
      .number(in: 0.01...1) ?? 1
    dimension = Int((Double(headDimension) * portion).rounded(.down))
    scaling = .none
    if let source = parameters ?? config["rope_scaling"] {
      scaling = try Self.scaling(source, contextLength)
    }
  }

  private static func base(_ field: JSONField?) throws(MeshError) -> Float? {
    guard let field else { return nil }
    return Float(try field.number(in: 1...1e12))
  }

  private static func scaling(
    _ source: JSONField,
    _ contextLength: Int
  ) throws(MeshError) -> Scaling {
    guard let type = source["rope_type"] ?? source["type"] else { return .none }
    func factor(_ key: String = "factor") throws(MeshError) -> Float {
      Float(try source.member(key).number(in: 1e-3...1e6))
    }
    func originalContext() throws(MeshError) -> Int {
      try source["original_max_position_embeddings"]?.integer(in: 1...16_777_216) ?? contextLength
    }
    switch try type.string() {
    case "default":
      return .none
    case "linear":
      return .linear(factor: try factor())
    case "llama3":
      let low = try factor("low_freq_factor"), high = try factor("high_freq_factor")
      guard low < high else {
        throw try source.member("high_freq_factor").corrupted("must be above \(low), is \(high)")
      }
      return .llama3(
        factor: try factor(),
        lowFrequency: low,
        highFrequency: high,
        originalContext: try originalContext()
      )
    case "yarn":
      for key in ["mscale", "mscale_all_dim"] {
        if let field = source[key] { throw field.unsupported("absent") }
      }
      return .yarn(
        factor: try factor(),
        originalContext: try originalContext(),
        fast: source["beta_fast"] == nil ? 32 : try factor("beta_fast"),
        slow: source["beta_slow"] == nil ? 1 : try factor("beta_slow"),
        attentionFactor: source["attention_factor"] == nil ? nil : try factor("attention_factor")
      )
    default:
      throw type.unsupported("default, linear, llama3 or yarn")
    }
  }
}
