import JSONText
import MeshTypes
import ModelFiles
import Testing

@Suite("config.json")
struct HuggingFaceConfigurationTests {
  private func configuration(_ text: String) throws -> HuggingFaceConfiguration {
    try HuggingFaceConfiguration(
      JSONValue(
        parsing: Array(text.utf8),
        subject: "config.json",
        limits: JSONLimits(byteCount: 1 << 20)
      )
    )
  }

  /// As Llama 3.2 1B Instruct's.
  private static let llama = """
    {"architectures": ["LlamaForCausalLM"], "attention_bias": false, "bos_token_id": 128000,
    "eos_token_id": [128001, 128008, 128009], "head_dim": 64, "hidden_act": "silu",
    "hidden_size": 2048, "intermediate_size": 8192, "max_position_embeddings": 131072,
    "mlp_bias": false, "model_type": "llama", "num_attention_heads": 32, "num_hidden_layers": 16,
    "num_key_value_heads": 8, "pretraining_tp": 1, "rms_norm_eps": 1e-05, "rope_scaling":
    {"factor": 32.0, "high_freq_factor": 4.0, "low_freq_factor": 1.0,
    "original_max_position_embeddings": 8192, "rope_type": "llama3"}, "rope_theta": 500000.0,
    "tie_word_embeddings": true, "vocab_size": 128256}
    """

  @Test("Llama 3.2's becomes a GGUF file's metadata")
  func llama() throws {
    let found = try configuration(Self.llama)
    #expect(found.tiesEmbeddings)
    #expect(
      found.rotary.scaling
        == .llama3(factor: 32, lowFrequency: 1, highFrequency: 4, originalContext: 8192)
    )
    let expected = try GGUFMetadata([
      ("general.architecture", .string("llama")), ("llama.block_count", .uint32(16)),
      ("llama.context_length", .uint32(131072)), ("llama.embedding_length", .uint32(2048)),
      ("llama.feed_forward_length", .uint32(8192)), ("llama.attention.head_count", .uint32(32)),
      ("llama.attention.head_count_kv", .uint32(8)), ("llama.attention.key_length", .uint32(64)),
      ("llama.attention.value_length", .uint32(64)),
      ("llama.attention.layer_norm_rms_epsilon", .float32(1e-5)),
      ("llama.vocab_size", .uint32(128256)), ("llama.rope.dimension_count", .uint32(64)),
      ("llama.rope.freq_base", .float32(500_000)),
    ])
    #expect(try found.metadata() == expected)
  }

  @Test("Mistral is a Llama with a window")
  func mistral() throws {
    let found = try configuration(
      """
      {"hidden_act": "silu", "hidden_size": 4096, "intermediate_size": 14336,
      "max_position_embeddings": 32768, "model_type": "mistral", "num_attention_heads": 32,
      "num_hidden_layers": 4, "num_key_value_heads": 8, "rms_norm_eps": 1e-05,
      "rope_theta": 10000.0, "sliding_window": 4096, "vocab_size": 32000, "head_dim": null}
      """
    )
    #expect(found.architecture == .llama)
    #expect(found.headDimension == 128)
    #expect(!found.tiesEmbeddings)
    #expect(found.attention.slidingWindow == 4096)
    #expect(found.attention.slidingLayers == [true, true, true, true])
    let metadata = try found.metadata()
    #expect(try metadata.integer("llama.attention.sliding_window") == 4096)
  }

  /// Qwen's sizes without what differs.
  private static let qwen = """
    "hidden_act": "silu", "hidden_size": 1024, "intermediate_size": 3072,
    "max_position_embeddings": 40960, "num_attention_heads": 16, "num_hidden_layers": 4,
    "num_key_value_heads": 8, "rms_norm_eps": 1e-06, "rope_theta": 1000000,
    "tie_word_embeddings": true, "vocab_size": 151936, "sliding_window": 4096
    """

  @Test("Qwen 2 and 3: heads of their own size, a window only where it is used")
  func qwen() throws {
    let three = try configuration(
      #"{"model_type": "qwen3", "max_window_layers": 2, \#(Self.qwen)}"#
    )
    #expect(three.headDimension == 128)
    #expect(three.attention.slidingWindow == nil)
    let two = try configuration(
      #"""
      {"model_type": "qwen2", "max_window_layers": 2, "use_sliding_window": true,
      "rope_scaling": {"type": "yarn", "factor": 4.0, "original_max_position_embeddings": 32768},
      \#(Self.qwen)}
      """#
    )
    #expect(two.headDimension == 64)
    #expect(two.attention.slidingLayers == [false, false, true, true])
    let metadata = try two.metadata()
    #expect(try metadata.string("qwen2.rope.scaling.type") == "yarn")
    #expect(try metadata.float("qwen2.rope.scaling.factor") == 4)
    #expect(try metadata.integer("qwen2.rope.scaling.original_context_length") == 32768)
    #expect(
      metadata["qwen2.attention.sliding_window_pattern"]
        == .array(.boolean([false, false, true, true]))
    )
  }

  @Test("Gemma 3 of the old form: a pattern, a local base, defaults of the family")
  func gemma() throws {
    let found = try configuration(
      """
      {"model_type": "gemma3", "vision_config": {}, "text_config": {"hidden_size": 2560,
      "intermediate_size": 10240, "model_type": "gemma3_text", "num_hidden_layers": 7,
      "rope_scaling": {"factor": 8.0, "rope_type": "linear"}, "sliding_window": 1024}}
      """
    )
    #expect(found.queryHeadCount == 8)
    #expect(found.kvHeadCount == 4)
    #expect(found.headDimension == 256)
    #expect(found.attention.scale == 0.0625)
    #expect(found.tiesEmbeddings)
    #expect(found.attention.slidingLayers == [true, true, true, true, true, false, true])
    #expect(found.rotary.base == 1_000_000)
    #expect(found.rotary.slidingBase == 10_000)
    #expect(found.rotary.scaling == .linear(factor: 8))
    #expect(try found.metadata().float("gemma3.rope.freq_base_swa") == 10_000)
  }

  @Test("Gemma 3 of the new form: a type for each layer, parameters for each kind of layer")
  func newGemma() throws {
    let found = try configuration(
      """
      {"model_type": "gemma3_text", "head_dim": 256, "hidden_activation": "gelu_pytorch_tanh",
      "hidden_size": 640, "intermediate_size": 2048, "num_hidden_layers": 2,
      "num_attention_heads": 4, "num_key_value_heads": 1, "rms_norm_eps": 1e-06,
      "max_position_embeddings": 32768, "vocab_size": 262144, "query_pre_attn_scalar": 256,
      "attn_logit_softcapping": 50.0, "final_logit_softcapping": 30.0, "sliding_window": 512,
      "layer_types": ["full_attention", "sliding_attention"], "rope_parameters": {
      "full_attention": {"rope_theta": 1000000, "rope_type": "default"},
      "sliding_attention": {"rope_theta": 10000, "rope_type": "default"}}}
      """
    )
    #expect(found.attention.slidingLayers == [false, true])
    #expect(found.attention.scale == 0.0625)
    #expect(found.attention.softCap == 50)
    #expect(found.finalSoftCap == 30)
    #expect(found.rotary.base == 1_000_000)
    #expect(found.rotary.slidingBase == 10_000)
    #expect(found.rotary.scaling == .none)
  }

  /// Gemma 2's folders name few of their sizes.
  private func gemma2(_ more: String) throws -> HuggingFaceConfiguration {
    try configuration(#"{"model_type": "gemma2", "hidden_act": "gelu_pytorch_tanh"\#(more)}"#)
  }

  @Test("Gemma 2: caps, a window in the even layers, one rotary base")
  func gemma2() throws {
    let found = try gemma2(#", "num_hidden_layers": 3"#)
    #expect(found.width == 2304)
    #expect(found.headDimension == 256)
    #expect(found.contextLength == 8192)
    #expect(found.vocabularySize == 256_000)
    #expect(found.tiesEmbeddings)
    #expect(found.attention.slidingWindow == 4096)
    #expect(found.attention.slidingLayers == [true, false, true])
    #expect(found.attention.scale == 0.0625)
    #expect(found.rotary.base == 10_000)
    #expect(found.rotary.slidingBase == nil)
    let metadata = try found.metadata()
    #expect(try metadata.float("gemma2.attn_logit_softcapping") == 50)
    #expect(try metadata.float("gemma2.final_logit_softcapping") == 30)
  }

  @Test("Gemma 2 of 27 billion parameters: heads of 128 values, scaled as if they had 144")
  func largeGemma2() throws {
    let found = try gemma2(#", "head_dim": 128, "query_pre_attn_scalar": 144"#)
    #expect(try found.metadata().float("gemma2.attention.scale") == 1 / 12)
  }

  @Test("Caps that are null are none, and the metadata say so where there would be one")
  func nullCaps() throws {
    let caps = #", "attn_logit_softcapping": null, "final_logit_softcapping": null"#
    let two = try gemma2(caps)
    #expect(two.attention.softCap == nil && two.finalSoftCap == nil)
    #expect(try two.metadata().boolean("gemma2.attn_logit_softcapping") == false)
    #expect(try two.metadata().boolean("gemma2.final_logit_softcapping") == false)
    let three = try configuration(
      #"{"model_type": "gemma3_text", "num_hidden_layers": 2\#(caps)}"#
    )
    #expect(three.attention.softCap == nil && three.finalSoftCap == nil)
    #expect(try three.metadata()["gemma3.attn_logit_softcapping"] == nil)
  }

  @Test("Gemma 2 without a window in any layer says so, since there would be one")
  func noWindow() throws {
    let found = try gemma2(
      #", "num_hidden_layers": 2, "layer_types": ["full_attention", "full_attention"]"#
    )
    #expect(found.attention.slidingWindow == nil)
    #expect(try found.metadata().integer("gemma2.attention.sliding_window") == 0)
  }

  @Test("Phi 3 rotates a part of a head")
  func phi() throws {
    let found = try configuration(
      """
      {"hidden_act": "silu", "hidden_size": 3072, "intermediate_size": 8192, "model_type": "phi3",
      "max_position_embeddings": 4096, "num_attention_heads": 32, "num_hidden_layers": 2,
      "num_key_value_heads": 32, "rms_norm_eps": 1e-05, "rope_scaling": null,
      "rope_theta": 10000.0, "sliding_window": 2047, "partial_rotary_factor": 0.75,
      "tie_word_embeddings": false, "vocab_size": 32064}
      """
    )
    #expect(found.headDimension == 96)
    #expect(found.rotary.dimension == 72)
    #expect(found.attention.slidingWindow == 2047)
  }

  /// A text of Llama's that is replaced, and what the error must name.
  struct Fault: Sendable, CustomTestStringConvertible {
    var old: String
    var new: String
    var field: String
    var code = MeshError.Code.unimplemented

    var testDescription: String { new }
  }

  static let faults = [
    Fault(old: #""model_type": "llama""#, new: #""model_type": "mamba""#, field: "model_type"),
    Fault(
      old: #""model_type": "llama""#,
      new: #""model": 1"#,
      field: "model_type",
      code: .notFound
    ),
    Fault(old: #""silu""#, new: #""gelu""#, field: "hidden_act"),
    Fault(old: #""llama3""#, new: #""longrope""#, field: "rope_scaling.rope_type"),
    Fault(
      old: #""factor": 32.0,"#,
      new: "",
      field: "rope_scaling.factor",
      code: .notFound
    ),
    Fault(
      old: #""high_freq_factor": 4.0"#,
      new: #""high_freq_factor": 1.0"#,
      field: "rope_scaling.high_freq_factor",
      code: .corrupted
    ),
    Fault(
      old: #""mlp_bias": false"#,
      new: #""quantization_config": {"bits": 4}"#,
      field: "quantization_config"
    ),
    Fault(old: ": 2048", new: ": 0", field: "hidden_size", code: .corrupted),
    Fault(old: ": 2048", new: #": "wide""#, field: "hidden_size", code: .corrupted),
    Fault(old: ": 16,", new: ": 100000,", field: "num_hidden_layers", code: .corrupted),
    Fault(old: #""rms_norm_eps": 1e-05,"#, new: "", field: "rms_norm_eps", code: .notFound),
    Fault(
      old: #""num_key_value_heads": 8"#,
      new: #""num_key_value_heads": 7"#,
      field: "num_key_value_heads",
      code: .corrupted
    ),
    Fault(
      old: #""mlp_bias": false"#,
      new: #""attn_logit_softcapping": 0"#,
      field: "attn_logit_softcapping",
      code: .corrupted
    ),
    Fault(
      old: #""mlp_bias": false"#,
      new: #""final_logit_softcapping": -30.0"#,
      field: "final_logit_softcapping",
      code: .corrupted
    ),
    Fault(
      old: #""mlp_bias": false"#,
      new: #""layer_types": ["full_attention"]"#,
      field: "layer_types",
      code: .corrupted
    ),
    Fault(
      old: #""mlp_bias": false"#,
      new: #""layer_types": ["chunked_attention"]"#,
      field: "layer_types[0]"
    ),
  ]

  @Test("What is wrong or unknown is named", arguments: faults)
  func wrong(_ fault: Fault) throws {
    let text = Self.llama.replacing(fault.old, with: fault.new)
    try #require(text != Self.llama)
    expect(fault.code, fault.field) { _ = try configuration(text) }
  }
}
