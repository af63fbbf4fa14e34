"""Makes the small Hugging Face folders in folders/, with random weights of a fixed seed.

usage: make_folders.py     (needs the PyPI packages numpy, ml_dtypes and safetensors)

Each has config.json, one safetensors file or two with an index, and expected.json: for every tensor,
under the name that GGUF files give it, the shape with the slowest-varying size first and the numbers
as GGUF files have them, as llama.cpp's converter defines it: rows of Llama's queries and keys
permuted, one added to Gemma's norms, Llama 3's frequency factors.
"""

import json
import math
import os

import ml_dtypes
import numpy
from safetensors.numpy import save_file

HERE = os.path.dirname(os.path.abspath(__file__))
WIDTH, HEADS, KV_HEADS, HEAD, HIDDEN, VOCABULARY, LAYERS = 8, 2, 1, 4, 6, 5, 2
COMMON = {
    "hidden_size": WIDTH,
    "num_attention_heads": HEADS,
    "num_key_value_heads": KV_HEADS,
    "head_dim": HEAD,
    "intermediate_size": HIDDEN,
    "vocab_size": VOCABULARY,
    "num_hidden_layers": LAYERS,
    "max_position_embeddings": 64,
    "rms_norm_eps": 1e-6,
}
LLAMA3 = {
    "rope_type": "llama3",
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 8192,
}


def permuted(weights, heads):
    """What convert_hf_to_gguf.py does to q_proj and k_proj of Llama."""
    shape = weights.shape
    return weights.reshape(heads, 2, shape[0] // heads // 2, *shape[1:]).swapaxes(1, 2).reshape(shape)


def llama3_factors(base, scaling):
    """What convert_hf_to_gguf.py writes to rope_freqs.weight."""
    factors = []
    for index in range(0, HEAD, 2):
        wavelength = 2 * math.pi * base ** (index / HEAD)
        old = scaling["original_max_position_embeddings"]
        low, high = scaling["low_freq_factor"], scaling["high_freq_factor"]
        if wavelength < old / high:
            factors.append(1.0)
        elif wavelength > old / low:
            factors.append(scaling["factor"])
        else:
            smooth = (old / wavelength - low) / (high - low)
            factors.append(1 / ((1 - smooth) / scaling["factor"] + smooth))
    return numpy.array(factors, numpy.float32)


class Folder:
    def __init__(self, name, kind, dtype, **config):
        self.name, self.dtype = name, dtype
        self.config = {"model_type": kind, **COMMON, **config}
        self.random = numpy.random.default_rng(len(name))
        self.tensors, self.expected = {}, {}

    def add(self, source, target, *shape, change=None):
        values = self.random.standard_normal(shape).astype(self.dtype)
        self.tensors[source] = values
        plain = values.astype(numpy.float32)
        if change == "one":
            plain = plain + 1
        elif change:
            plain = permuted(plain, change)
        self.expected[target] = plain

    def layer(self, index, norms, permutes=False, fused=False, biases=False, qk_norms=False):
        source, target = f"model.layers.{index}.", f"blk.{index}."
        one = "one" if len(norms) > 2 else None
        for theirs, ours in norms.items():
            self.add(f"{source}{theirs}.weight", f"{target}{ours}.weight", WIDTH, change=one)
        rows = {"q": HEADS * HEAD, "k": KV_HEADS * HEAD, "v": KV_HEADS * HEAD}
        heads = {"q": HEADS, "k": KV_HEADS, "v": None}
        if fused:
            name = f"{source}self_attn.qkv_proj.weight"
            self.add(name, f"{target}attn_qkv.weight", sum(rows.values()), WIDTH)
        for part, count in rows.items() if not fused else []:
            change = heads[part] if permutes else None
            name = f"{source}self_attn.{part}_proj"
            self.add(f"{name}.weight", f"{target}attn_{part}.weight", count, WIDTH, change=change)
            if biases:
                self.add(f"{name}.bias", f"{target}attn_{part}.bias", count, change=change)
        for part in "qk" if qk_norms else "":
            name = f"{source}self_attn.{part}_norm.weight"
            self.add(name, f"{target}attn_{part}_norm.weight", HEAD, change=one)
        self.add(
            f"{source}self_attn.o_proj.weight", f"{target}attn_output.weight", WIDTH, HEADS * HEAD
        )
        if fused:
            self.add(f"{source}mlp.gate_up_proj.weight", f"{target}ffn_up.weight", 2 * HIDDEN, WIDTH)
        else:
            self.add(f"{source}mlp.gate_proj.weight", f"{target}ffn_gate.weight", HIDDEN, WIDTH)
            self.add(f"{source}mlp.up_proj.weight", f"{target}ffn_up.weight", HIDDEN, WIDTH)
        self.add(f"{source}mlp.down_proj.weight", f"{target}ffn_down.weight", WIDTH, HIDDEN)

    def save(self, tied, shards=1, one=None):
        self.add("model.embed_tokens.weight", "token_embd.weight", VOCABULARY, WIDTH)
        self.add("model.norm.weight", "output_norm.weight", WIDTH, change=one)
        self.config["tie_word_embeddings"] = tied
        if not tied:
            self.add("lm_head.weight", "output.weight", VOCABULARY, WIDTH)
        folder = os.path.join(HERE, "folders", self.name)
        os.makedirs(folder, exist_ok=True)

        def write(name, value):
            with open(os.path.join(folder, name), "w") as file:
                json.dump(value, file, separators=(",", ":"))

        write("config.json", self.config)
        write(
            "expected.json",
            {
                name: {"shape": values.shape, "numbers": values.ravel().tolist()}
                for name, values in self.expected.items()
            },
        )
        if shards == 1:
            save_file(self.tensors, os.path.join(folder, "model.safetensors"))
            return
        names = list(self.tensors)
        index = {}
        for shard in range(shards):
            name = f"model-{shard + 1:05}-of-{shards:05}.safetensors"
            part = names[shard::shards]
            save_file({n: self.tensors[n] for n in part}, os.path.join(folder, name))
            index |= {n: name for n in part}
        write("model.safetensors.index.json", {"metadata": {}, "weight_map": index})


TWO_NORMS = {"input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm"}
FOUR_NORMS = {
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "post_attention_norm",
    "pre_feedforward_layernorm": "ffn_norm",
    "post_feedforward_layernorm": "post_ffw_norm",
}


def main():
    folder = Folder("llama3", "llama", numpy.float32, rope_theta=5e5, rope_scaling=LLAMA3)
    for index in range(LAYERS):
        folder.layer(index, TWO_NORMS, permutes=True, biases=index == 1)
    folder.expected["rope_freqs.weight"] = llama3_factors(5e5, LLAMA3)
    folder.save(tied=False, shards=2)
    folder = Folder("qwen2", "qwen2", numpy.float16)
    for index in range(LAYERS):
        folder.layer(index, TWO_NORMS, biases=True)
    folder.save(tied=True)
    folder = Folder("qwen3", "qwen3", ml_dtypes.bfloat16)
    for index in range(LAYERS):
        folder.layer(index, TWO_NORMS, qk_norms=True)
    folder.save(tied=True, shards=3)
    folder = Folder("gemma3", "gemma3_text", ml_dtypes.bfloat16, sliding_window=16)
    for index in range(LAYERS):
        folder.layer(index, FOUR_NORMS, qk_norms=True)
    folder.save(tied=True, one="one")
    folder = Folder("phi3", "phi3", numpy.float16)
    for index in range(LAYERS):
        folder.layer(index, TWO_NORMS, fused=True)
    folder.save(tied=False)


main()
