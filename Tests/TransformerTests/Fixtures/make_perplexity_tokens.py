"""Writes perplexity_tokens.bin: the first 24 * 512 token ids of a text, as u16 little-endian.

Usage: make_perplexity_tokens.py MODEL.gguf TEXT.txt. The tokenizer is PyPI's `tokenizers` with the
vocabulary and merges of the model file (read with PyPI's `gguf`), pre-tokenizer `smollm`, no BOS.
"""

import pathlib
import struct
import sys

import gguf
from tokenizers import Tokenizer, models, pre_tokenizers

fields = gguf.GGUFReader(sys.argv[1]).fields
vocabulary = {token: id for id, token in enumerate(fields["tokenizer.ggml.tokens"].contents())}
merges = [tuple(merge.split(" ")) for merge in fields["tokenizer.ggml.merges"].contents()]
tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=merges))
tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
    [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
)
text = pathlib.Path(sys.argv[2]).read_text(encoding="utf-8")
ids = tokenizer.encode(text, add_special_tokens=False).ids[: 24 * 512]
assert len(ids) == 24 * 512
output = pathlib.Path(__file__).with_name("perplexity_tokens.bin")
output.write_bytes(struct.pack(f"<{len(ids)}H", *ids))
