"""Makes the tiny random models of families/ and what Hugging Face's transformers computes with them.

usage: make_families.py FOLDER    (PyPI: torch, transformers 5, gguf)

Some are there as Hugging Face folders too. Each GGUF file has f16 matrices, and in its metadata `weft.test.tokens` and `weft.test.logits`: the
logits of every position, computed by transformers in double precision with the same weights. Tensors
are named and laid out as llama.cpp's converter does it.
"""

import sys

import gguf
import numpy
import torch
import transformers

VOCABULARY, WIDTH, HEADS, KV_HEADS, HEAD, FEED_FORWARD, CONTEXT = 64, 32, 2, 1, 16, 64, 128
TOKENS = 48

COMMON = dict(
    vocab_size=VOCABULARY, hidden_size=WIDTH, intermediate_size=FEED_FORWARD, num_hidden_layers=2,
    num_attention_heads=HEADS, num_key_value_heads=KV_HEADS, max_position_embeddings=CONTEXT,
    rms_norm_eps=1e-5, tie_word_embeddings=False, bos_token_id=0, eos_token_id=1, pad_token_id=0,
    attn_implementation="eager",
)


def rope(theta=10_000.0, **more):
    return dict(rope_parameters=dict(rope_type="default", rope_theta=theta) | more)


LLAMA3 = dict(
    rope_type="llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=32
)
YARN = dict(rope_type="yarn", factor=4.0, original_max_position_embeddings=32)
GEMMA3 = dict(
    full_attention=dict(rope_type="linear", factor=4.0, rope_theta=1_000_000.0),
    sliding_attention=dict(rope_type="default", rope_theta=10_000.0),
)

# File, architecture, configuration, what of it, and further metadata.
MODELS = [
    ("llama", "llama", transformers.LlamaConfig, rope(50_000.0), {}),
    ("llama3-scaling", "llama", transformers.LlamaConfig, rope(**LLAMA3), {}),
    ("linear-scaling", "llama", transformers.LlamaConfig, rope(rope_type="linear", factor=4.0), {"linear": 4.0}),
    ("yarn-scaling", "llama", transformers.LlamaConfig, rope(**YARN), {"yarn": (4.0, 32)}),
    ("mistral-window", "llama", transformers.MistralConfig, rope() | dict(sliding_window=20, head_dim=HEAD), {"window": 20}),
    ("qwen2", "qwen2", transformers.Qwen2Config, rope(), {}),
    ("qwen3", "qwen3", transformers.Qwen3Config, rope() | dict(head_dim=HEAD), {}),
    (
        "gemma2", "gemma2", transformers.Gemma2Config,
        rope() | dict(
            num_hidden_layers=3, head_dim=HEAD, query_pre_attn_scalar=HEAD, sliding_window=20,
            attn_logit_softcapping=0.7, final_logit_softcapping=1.2,
        ),
        {"window": 20, "caps": (0.7, 1.2)},
    ),
    (
        "gemma3", "gemma3", transformers.Gemma3TextConfig,
        dict(num_hidden_layers=7, head_dim=HEAD, query_pre_attn_scalar=HEAD, sliding_window=20, rope_parameters=GEMMA3),
        {"window": 20, "linear": 4.0, "theta": 1_000_000.0},
    ),
    ("phi3", "phi3", transformers.Phi3Config, rope() | dict(sliding_window=None), {}),
]

# Those that are there as Hugging Face folders too.
FOLDERS = ["llama3-scaling", "yarn-scaling", "gemma2", "gemma3", "phi3"]
GEMMAS = ["gemma2", "gemma3"]

NAMES = {
    "input_layernorm": "attn_norm", "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v", "self_attn.o_proj": "attn_output", "self_attn.qkv_proj": "attn_qkv",
    "self_attn.q_norm": "attn_q_norm", "self_attn.k_norm": "attn_k_norm", "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up", "mlp.gate_up_proj": "ffn_up", "mlp.down_proj": "ffn_down",
}


def gguf_name(name, architecture):
    name = name.removeprefix("model.")
    fixed = {"embed_tokens.weight": "token_embd.weight", "norm.weight": "output_norm.weight", "lm_head.weight": "output.weight"}
    if name in fixed:
        return fixed[name]
    _, layer, rest = name.split(".", 2)
    module, kind = rest.rsplit(".", 1)
    norms = {"post_attention_layernorm": "ffn_norm"}
    if architecture in GEMMAS:
        norms = {
            "post_attention_layernorm": "post_attention_norm", "pre_feedforward_layernorm": "ffn_norm",
            "post_feedforward_layernorm": "post_ffw_norm",
        }
    return f"blk.{layer}.{(NAMES | norms)[module]}.{kind}"


def laid_out(name, tensor, architecture):
    """The tensor as GGUF files have it."""
    if architecture in GEMMAS and "norm" in name:
        return tensor + 1
    if architecture == "llama" and (".attn_q." in name or ".attn_k." in name):
        heads = tensor.shape[0] // HEAD
        return tensor.reshape(heads, 2, HEAD // 2, -1).swapaxes(1, 2).reshape(tensor.shape)
    return tensor


def make(folder, name, architecture, configuration, changes, more):
    torch.manual_seed(1)
    model = transformers.AutoModelForCausalLM.from_config(configuration(**(COMMON | changes)), attn_implementation="eager")
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter.copy_((torch.randn_like(parameter) / parameter.shape[1] ** 0.5).half().float())
            else:
                parameter.copy_((parameter + 0.3 * torch.randn_like(parameter)).half().float())
    tokens = torch.randint(0, VOCABULARY, (1, TOKENS))
    with torch.no_grad():
        logits = model.double().eval()(tokens).logits[0]

    writer = gguf.GGUFWriter(f"{folder}/{name}.gguf", architecture)
    writer.add_block_count(model.config.num_hidden_layers)
    writer.add_embedding_length(WIDTH)
    writer.add_feed_forward_length(FEED_FORWARD)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KV_HEADS)
    writer.add_key_length(HEAD)
    writer.add_value_length(HEAD)
    writer.add_context_length(CONTEXT)
    writer.add_layer_norm_rms_eps(model.config.rms_norm_eps)
    writer.add_rope_freq_base(more.get("theta") or changes["rope_parameters"]["rope_theta"])
    if "window" in more:
        writer.add_sliding_window(more["window"])
    if "caps" in more:
        writer.add_attn_logit_softcapping(more["caps"][0])
        writer.add_final_logit_softcapping(more["caps"][1])
    if "linear" in more:
        writer.add_rope_scaling_type(gguf.RopeScalingType.LINEAR)
        writer.add_rope_scaling_factor(more["linear"])
    if "yarn" in more:
        writer.add_rope_scaling_type(gguf.RopeScalingType.YARN)
        writer.add_rope_scaling_factor(more["yarn"][0])
        writer.add_rope_scaling_orig_ctx_len(more["yarn"][1])
    if changes["rope_parameters"].get("rope_type") == "llama3":
        base = changes["rope_parameters"]["rope_theta"] ** (-numpy.arange(0, HEAD, 2) / HEAD)
        scaled = model.model.rotary_emb.inv_freq.double().numpy()
        writer.add_tensor("rope_freqs.weight", (base / scaled).astype(numpy.float32))
    writer.add_array("weft.test.tokens", tokens[0].tolist())
    writer.add_array("weft.test.logits", [float(value) for value in logits.flatten()])
    for key, tensor in model.float().state_dict().items():
        if key == "lm_head.weight" and model.config.tie_word_embeddings:
            continue
        target = gguf_name(key, architecture)
        values = laid_out(target, tensor, architecture).numpy()
        writer.add_tensor(target, values.astype(numpy.float16 if values.ndim > 1 else numpy.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    if name in FOLDERS:
        model.half().save_pretrained(f"{folder}/{name}", save_original_format=True)
    print(name, model.config.num_hidden_layers, "layers, logits", float(logits.abs().mean()))


if __name__ == "__main__":
    for arguments in MODELS:
        make(sys.argv[1], *arguments)
