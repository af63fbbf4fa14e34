/// Where a tensor with a GGUF name comes from in a Hugging Face folder, and how its numbers differ.
package struct WeightOrigin: Hashable, Sendable {
  /// What GGUF files have in the place of the numbers in the folder.
  package enum Change: Hashable, Sendable {
    case none
    /// Rows of each head in another order: row `2i + j` of a head is row `j * dimension / 2 + i` of
    /// the folder's.
    ///
    /// The folder's models rotate the pairs `(i, i + dimension / 2)` of a head; GGUF files of the
    /// llama architecture have the rows so that the pairs are neighbours, `(2i, 2i + 1)`. Those of
    /// the other architectures keep the folder's order.
    case neighbouringPairs(headCount: Int)
    /// Gemma's norms multiply by one plus the weight; GGUF files hold the sum, in F32.
    case onePlus
  }

  /// The GGUF name, such as `blk.0.attn_q.weight`.
  package var name: String
  package var change: Change
}

extension WeightOrigin {
  /// The GGUF tensor that a folder's tensor becomes; nil for one that no language model uses.
  ///
  /// Phi 3's fused matrices stay fused, as in GGUF files: `attn_qkv` has the rows of the queries,
  /// the keys and the values, `ffn_up` those of the gate and of what it gates.
  package init?(of tensor: String, _ configuration: HuggingFaceConfiguration) {
    guard let path = Self.languagePath(tensor), let dot = path.lastIndex(of: ".") else {
      return nil
    }
    let part = String(path[..<dot]), kind = String(path[path.index(after: dot)...])
    guard kind == "weight" || kind == "bias" else { return nil }
    let isGemma = configuration.architecture.isGemma
    if let top = Self.topNames[part] {
      name = "\(top).\(kind)"
      change = isGemma && top == "output_norm" ? .onePlus : .none
      return
    }
    let pieces = part.split(separator: ".", maxSplits: 2)
    guard pieces.count == 3, pieces[0] == "layers", let layer = Int(pieces[1]),
      0..<configuration.layerCount ~= layer,
      let inner = Self.layerName(String(pieces[2]), configuration.architecture)
    else { return nil }
    name = "blk.\(layer).\(inner).\(kind)"
    change = .none
    if isGemma && inner.hasSuffix("norm") { change = .onePlus }
    if configuration.architecture == .llama {
      if inner == "attn_q" { change = .neighbouringPairs(headCount: configuration.queryHeadCount) }
      if inner == "attn_k" { change = .neighbouringPairs(headCount: configuration.kvHeadCount) }
    }
  }

  /// The tensor's path below the language model's.
  private static func languagePath(_ tensor: String) -> String? {
    if tensor == "lm_head.weight" || tensor == "language_model.lm_head.weight" {
      return "lm_head.weight"
    }
    for prefix in ["model.language_model.", "language_model.model.", "model."]
    where tensor.hasPrefix(prefix) {
      return String(tensor.dropFirst(prefix.count))
    }
    return nil
  }

  private static let topNames = [
    "embed_tokens": "token_embd", "norm": "output_norm", "lm_head": "output",
  ]

  private static func layerName(_ part: String, _ architecture: ModelArchitecture) -> String? {
    if architecture.isGemma, let name = gemmaNames[part] { return name }
    return layerNames[part]
  }

  private static let layerNames = [
    "input_layernorm": "attn_norm", "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v", "self_attn.qkv_proj": "attn_qkv",
    "self_attn.o_proj": "attn_output", "self_attn.q_norm": "attn_q_norm",
    "self_attn.k_norm": "attn_k_norm", "post_attention_layernorm": "ffn_norm",
    "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up", "mlp.gate_up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
  ]

  /// Where Gemma's blocks, with norms behind both parts too, differ.
  private static let gemmaNames = [
    "post_attention_layernorm": "post_attention_norm", "pre_feedforward_layernorm": "ffn_norm",
    "post_feedforward_layernorm": "post_ffw_norm",
  ]
}
