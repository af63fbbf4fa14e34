/// The families of models whose folders are read, by their names in GGUF files.
package enum ModelArchitecture: String, Hashable, Sendable, CaseIterable {
  /// Llama, and Mistral.
  case llama
  case qwen2
  case qwen3
  case gemma2
  case gemma3
  case phi3

  /// The `model_type` values in `config.json` that mean each.
  private static let modelTypes: [String: Self] = [
    "llama": .llama, "mistral": .llama, "qwen2": .qwen2, "qwen3": .qwen3, "gemma2": .gemma2,
    "gemma3": .gemma3, "gemma3_text": .gemma3, "phi3": .phi3,
  ]

  /// The architecture of a `model_type`; nil for one that is not known.
  init?(modelType: String) {
    guard let known = Self.modelTypes[modelType] else { return nil }
    self = known
  }

  /// All values of `model_type` that are known, for errors.
  static var acceptedModelTypes: String { modelTypes.keys.sorted().joined(separator: ", ") }

  /// Gemma's folders leave out what is as in the family's first model, norms multiply by one plus the
  /// weight, and there are norms behind both parts of a block too.
  var isGemma: Bool { self == .gemma2 || self == .gemma3 }

  /// What bounds attention's scores in a folder that does not say; nil: nothing.
  var attentionSoftCap: Float? { self == .gemma2 ? 50 : nil }

  /// What bounds logits in a folder that does not say; nil: nothing.
  var finalSoftCap: Float? { self == .gemma2 ? 30 : nil }

  /// The activation between the two matrices of the feed-forward part, as `config.json` calls it.
  var activation: String { isGemma ? "gelu_pytorch_tanh" : "silu" }
}
