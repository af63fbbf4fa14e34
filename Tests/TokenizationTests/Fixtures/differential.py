"""Encodes seeded random strings with Hugging Face `tokenizers`, as an oracle for the Swift tests.

usage: differential.py MODEL.gguf PRE_TOKENIZER COUNT SEED OUTPUT.json

The vocabulary and merges come from the GGUF file; the pre-tokenizer is written as in the
`tokenizer.json` of the model family that it belongs to. Writes an object with
  added      [text]  user-defined tokens that were put behind the vocabulary,
  encodings  [{text, recognised: [id], plain: [id], decoded: text or null if equal}],
  decodings  [{ids: [id], text, skipping: text}]  random ids, mostly not valid UTF-8.
With COUNT of 10000 or more every assigned character appears in each kind of neighbourhood.
"""

import json
import random
import struct
import sys
import unicodedata

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers

ADDED = ["<tool>", "\n\n\n", "abcdefgh", "<tool>x"]

LLAMA3 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}%s"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)


def metadata(path):
    """The metadata of a GGUF v3 file."""
    scalars = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?"}
    scalars |= {10: "Q", 11: "q", 12: "d"}
    with open(path, "rb") as file:

        def number(code):
            return struct.unpack("<" + code, file.read(struct.calcsize("<" + code)))[0]

        def value(kind):
            if kind == 8:
                return file.read(number("Q")).decode()
            if kind == 9:
                element, count = number("I"), number("Q")
                return [value(element) for _ in range(count)]
            return number(scalars[kind])

        assert file.read(4) == b"GGUF" and number("I") == 3
        number("Q")
        pairs = {}
        for _ in range(number("Q")):
            key = value(8)
            pairs[key] = value(number("I"))
        return pairs


def pre_tokenizer(name):
    byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    if name == "gpt-2":
        return byte_level
    if name == "smollm":
        return pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), byte_level])
    if name == "default":
        patterns = [
            r"[\p{P}\$\+<=>\^~\|]+",
            r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)",
            r"\p{N}+",
            r"[0-9][0-9][0-9]",
        ]
        splits = [pre_tokenizers.Split(Regex(pattern), behavior="isolated") for pattern in patterns]
        bytes_alone = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
        return pre_tokenizers.Sequence(splits + [bytes_alone])
    pattern = LLAMA3 % {"llama-bpe": "{1,3}", "qwen2": ""}[name]
    return pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(pattern), behavior="isolated", invert=False),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )


def build(path, name):
    pairs = metadata(path)
    tokens = pairs["tokenizer.ggml.tokens"]
    types = pairs["tokenizer.ggml.token_type"]
    merges = [tuple(merge.split(" ")) for merge in pairs["tokenizer.ggml.merges"]]
    tokenizer = Tokenizer(
        models.BPE(
            vocab={token: id for id, token in enumerate(tokens)},
            merges=merges,
            ignore_merges=name == "llama-bpe",
        )
    )
    tokenizer.pre_tokenizer = pre_tokenizer(name)
    tokenizer.decoder = decoders.ByteLevel()
    special = [token for token, kind in zip(tokens, types) if kind == 3]
    tokenizer.add_special_tokens([AddedToken(t, special=True, normalized=False) for t in special])
    tokenizer.add_tokens([AddedToken(t, special=False, normalized=False) for t in ADDED])
    for offset, token in enumerate(ADDED):
        assert tokenizer.token_to_id(token) == len(tokens) + offset
    return tokenizer, special


def assigned():
    """Every character of Unicode 14 that is assigned and may stand in a string."""
    return [
        chr(value)
        for value in range(0x110000)
        if unicodedata.category(chr(value)) not in ("Cn", "Cs", "Co")
    ]


SPACES = "\t\n\x0b\x0c\r \x85\u00a0\u1680\u2000\u2003\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
NOT_SPACES = "\x00\x01\x1c\x1f\x7f\u180e\u200b\u200c\u200d\u2060\ufeff\ufffd"
# Private use and unassigned; the default vocabulary lacks the first byte of the middle two.
UNASSIGNED = "\ue000\U00040000\U000bfffd\U00030000\ufffe\U0010fffd"
NUMBERS = "0123456789²½٣४Ⅷ〇一𝟘①൩㊿"
MARKS = "\u0301\u0308\u093f\u20e3\ufe0f\u0e33"
EMOJI = ["😀", "👩\u200d👩\u200d👧\u200d👦", "👍🏽", "🇰🇷", "1\ufe0f\u20e3", "❤\ufe0f\u200d🔥"]
CONTRACTIONS = [
    quote + ending
    for quote in "'’ʼ＇‘"
    for ending in "s t re ve m ll d S T RE Re rE VE vE M LL Ll lL D ſ ſſ x r v l ß K".split()
]
WORDS = (
    "the quick brown fox jumps over lazy dog don't I'll we've Hello WORLD camelCase snake_case "
    "Grüße naïve Ελλάδα Привет שלום مرحبا नमस्ते สวัสดี 你好世界 こんにちは 안녕하세요 ﬁn ǅ ʰ ª º"
).split()
CODE = "(){}[]<>;:,.!?@#$%^&*-+=/\\|~`\"'_…—“”«»。，！"


def piece(rng, everything, special):
    kind = rng.randrange(15)
    if kind == 0:
        return "".join(rng.choice(SPACES) for _ in range(rng.randint(1, 6)))
    if kind == 1:
        return rng.choice([" ", "  ", "\n", "\r\n", "\n\n\n\n", " \n ", "\t", "   "])
    if kind == 2:
        return "".join(rng.choice(NUMBERS) for _ in range(rng.randint(1, 8)))
    if kind == 3:
        return rng.choice(CONTRACTIONS)
    if kind == 4:
        return "".join(rng.choice(CODE) for _ in range(rng.randint(1, 5)))
    if kind == 5:
        return rng.choice(EMOJI)
    if kind == 6:
        return rng.choice(NOT_SPACES + UNASSIGNED)
    if kind == 7:
        return rng.choice("aé你e\u0301") + "".join(rng.choice(MARKS) for _ in range(rng.randint(1, 3)))
    if kind == 8:
        return "".join(rng.choice(everything) for _ in range(rng.randint(1, 4)))
    if kind == 9:
        token = rng.choice(special + ADDED)
        cut = rng.randrange(len(token))
        return rng.choice([token, token, token[:cut], token[cut:], token[:cut] + token, "<|", "|>"])
    if kind == 10:
        return rng.choice("aA1 !\n<é你") * rng.randint(1, 40)
    if kind == 11:
        return "".join(chr(rng.randrange(32, 127)) for _ in range(rng.randint(1, 12)))
    if kind == 12:
        return "".join(rng.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(rng.randint(1, 30)))
    return rng.choice(["", " "]) + rng.choice(WORDS)


def texts(count, rng, special):
    everything = assigned()
    yield ""
    for run in ["a", " ", "\n", "!", "1", "ab", "\n ", " a", "<|im_start|", "é", "😀", "\u0301"]:
        yield run * 3000
    yield "".join(rng.choice("etaoinshrdlu") for _ in range(20000))
    if count >= 10000:
        for start in range(0, len(everything), 16):
            yield "".join(
                f"a{c}b 1{c}2 {c} {c}{c}\n{c}'{c}s  {c}" for c in everything[start : start + 16]
            )
    for _ in range(count):
        yield "".join(piece(rng, everything, special) for _ in range(rng.randint(1, 14)))


def main():
    path, name, count, seed, output = sys.argv[1:]
    rng = random.Random(f"{name} {seed}")
    tokenizer, special = build(path, name)
    encodings = []
    for text in texts(int(count), rng, special):
        tokenizer.encode_special_tokens = False
        recognised = tokenizer.encode(text, add_special_tokens=False).ids
        tokenizer.encode_special_tokens = True
        plain = tokenizer.encode(text, add_special_tokens=False).ids
        decoded = tokenizer.decode(recognised, skip_special_tokens=False)
        encodings.append(
            {
                "text": text,
                "recognised": recognised,
                "plain": plain,
                "decoded": None if decoded == text else decoded,
            }
        )
    decodings = []
    size = tokenizer.get_vocab_size()
    for _ in range(int(count) // 10):
        # The single bytes come right behind the special tokens: the likeliest to break characters.
        ids = [
            rng.randrange(rng.choice([20, 260, size])) for _ in range(rng.randint(0, 30))
        ]
        decodings.append(
            {
                "ids": ids,
                "text": tokenizer.decode(ids, skip_special_tokens=False),
                "skipping": tokenizer.decode(ids, skip_special_tokens=True),
            }
        )
    with open(output, "w") as file:
        json.dump({"added": ADDED, "encodings": encodings, "decodings": decodings}, file)


if __name__ == "__main__":
    main()
