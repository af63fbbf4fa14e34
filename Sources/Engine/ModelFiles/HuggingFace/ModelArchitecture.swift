/// The families of models whose folders are read, by their names in GGUF files.
package enum ModelArchitecture: String, Hashable, Sendable, CaseIterable {
  /// Llama, and Mistral.
  case llama
  case qwen2
  case qwen3
  case gemma3
  case phi3

  /// The `model_type` values in `config.json` that mean each.
  private static let modelTypes: [String: Self] = [
    "llama": .llama, "mistral": .llama, "qwen2": .qwen2, "qwen3": .qwen3, "gemma3": .gemma3,
    "gemma3_text": .gemma3, "phi3": .phi3,
  ]

  /// The architecture of a `model_type`; nil for one that is not known.
  init?(modelType: String) {
    guard let known = Self.modelTypes[modelType] else { return nil }
    self = known
  }

  /// All values of `model_type` that are known, for errors.
  static var acceptedModelTypes: String { modelTypes.keys.sorted().joined(separator: ", ") }

  /// The activation between the two matrices of the feed-forward part, as `config.json` calls it.
  var activation: String { self == .gemma3 ? "gelu_pytorch_tanh" : "silu" }
}
