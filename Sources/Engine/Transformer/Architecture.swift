package import Kernels

/// What a family of models computes in its blocks, as data; see `ModelRunner`'s forward pass for what
/// is done with it.
///
/// Every block is attention and a gated feed-forward network, each around a residual stream and with
/// an RMS norm before it.
package struct Architecture: Hashable, Sendable {
  /// `general.architecture`, and the prefix of the family's metadata keys.
  package var name: String
  /// Which of a head's values rotate together.
  package var rotaryPairs = RotaryPairs.halves
  /// What the feed-forward network's gate goes through.
  package var activation = GateActivation.silu
  /// Whether each head of queries and keys is normalised before it rotates (`attn_q_norm`,
  /// `attn_k_norm`).
  package var hasHeadNorms = false
  /// Whether what attention and the feed-forward network give is normalised before it is added to the
  /// residual stream (`post_attention_norm`, `post_ffw_norm`).
  package var hasPostNorms = false
  /// Whether queries, keys and values are one tensor (`attn_qkv`), and gate and up another (`ffn_up`).
  package var fusesProjections = false
  /// Whether embeddings are multiplied with the square root of their width.
  package var scalesEmbeddings = false
  /// Where a window limits attention (`attention.sliding_window`), one layer of so many sees all
  /// positions, the last of them; nil: none does.
  package var globalLayerPeriod: Int?
  /// The window where the file does not say; nil: none.
  package var slidingWindow: Int?
  /// The rotary base of layers with a window, whose positions are not scaled, where the file does not
  /// say; nil: that of all layers.
  package var localRotaryBase: Float?
  /// How many layers the family's one model has whose attention is scaled by the model's width divided
  /// by its heads, not by the width of a head; files do not say so.
  package var widthScaledLayerCount: Int?
  /// What bounds attention's scores where the file does not say; nil: nothing.
  package var attentionSoftCap: Float?
  /// What bounds logits where the file does not say; nil: nothing.
  package var finalSoftCap: Float?

  /// All families that Weft computes.
  package static let all = [
    // Llama 1 to 3, SmolLM2, Mistral and what else has this name in GGUF files.
    Architecture(name: "llama", rotaryPairs: .neighbours),
    // Its queries, keys and values have biases; those are taken wherever a file has them.
    Architecture(name: "qwen2"),
    Architecture(name: "qwen3", hasHeadNorms: true),
    Architecture(
      name: "gemma2",
      activation: .gelu,
      hasPostNorms: true,
      scalesEmbeddings: true,
      globalLayerPeriod: 2,
      slidingWindow: 4096,
      widthScaledLayerCount: 46,
      attentionSoftCap: 50,
      finalSoftCap: 30
    ),
    Architecture(
      name: "gemma3",
      activation: .gelu,
      hasHeadNorms: true,
      hasPostNorms: true,
      scalesEmbeddings: true,
      globalLayerPeriod: 6,
      localRotaryBase: 10_000,
      widthScaledLayerCount: 62
    ),
    Architecture(name: "phi3", fusesProjections: true),
  ]
}
