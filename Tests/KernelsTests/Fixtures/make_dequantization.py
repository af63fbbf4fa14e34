"""Writes dequantization.bin: random blocks of every tensor format and what they decode to.

The reference is the PyPI package `gguf` (numpy). Records follow each other, little-endian:
u32 ggml type, u32 weights, u32 bytes, the blocks, then the weights as f32.
"""

import pathlib
import struct

import gguf
import numpy as np

WEIGHTS = 1024
# Byte offsets of the f16 fields of a block.
HALVES = {
    "Q4_0": [0], "Q4_1": [0, 2], "Q5_0": [0], "Q5_1": [0, 2], "Q8_0": [0],
    "Q4_K": [0, 2], "Q5_K": [0, 2], "Q6_K": [208],
}  # fmt: skip


def random_blocks(random, name, type):
    if name in ("F32", "BF16", "F16"):
        values = (random.standard_normal(WEIGHTS) * 10.0 ** random.integers(-7, 4, WEIGHTS)).astype(np.float32)
        if name == "F32":
            return values.view(np.uint8)
        if name == "BF16":
            return (values.view(np.uint32) >> 16).astype(np.uint16).view(np.uint8)
        return values.astype(np.float16).view(np.uint8)
    weights, size = gguf.GGML_QUANT_SIZES[type]
    blocks = random.integers(0, 256, (WEIGHTS // weights, size), dtype=np.uint8)
    for offset in HALVES[name]:
        halves = random.standard_normal(len(blocks)).astype(np.float16)
        blocks[:, offset : offset + 2] = halves.view(np.uint8).reshape(-1, 2)
    return blocks.reshape(-1)


def main():
    random = np.random.default_rng(20260101)
    with open(pathlib.Path(__file__).with_name("dequantization.bin"), "wb") as file:
        for name in ["F32", "F16", "BF16", *HALVES]:
            type = gguf.GGMLQuantizationType[name]
            blocks = random_blocks(random, name, type)
            if name == "F32":
                values = blocks.view(np.float32)
            else:
                values = gguf.quants.dequantize(blocks, type).reshape(-1)
            assert len(values) == WEIGHTS and values.dtype == np.float32
            file.write(struct.pack("<III", int(type), WEIGHTS, len(blocks)))
            file.write(blocks.tobytes() + values.tobytes())


main()
