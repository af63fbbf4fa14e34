"""Makes the small tokenizers in tokenizers/, trained on this repository's own documents.

usage: make_tokenizers.py     (needs the PyPI packages tokenizers and sentencepiece)

  *.model   SentencePiece, BPE and Unigram, with byte fallback
  *.json    `tokenizer.json` in the form of one model family each; those over characters have the
            vocabularies of the *.model files
"""

import glob
import io
import os

import sentencepiece
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers
from tokenizers import pre_tokenizers, processors, trainers

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.join(HERE, "..", "..", "..")
OUTPUT = os.path.join(HERE, "tokenizers")
LLAMA3 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}%s"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
MORE = [
    "Grüße, naïve café Ελλάδα Привет мир שלום مرحبا नमस्ते สวัสดี 你好世界 こんにちは 안녕하세요",
    "e\u0301 a\u0301 o\u0308 \u0301\u0301 don't I'll WE'VE 2024 12345 ½ Ⅷ 😀😀 👩\u200d👧",
    "if (x == 0) {\n    return  y;\n}\n\n\t\tprint(   'a  b')  # done",
]


def corpus():
    """Some lines of this repository, 40 KB at most."""
    paths = ["README.md", "CONTRIBUTING.md"] + sorted(glob.glob("docs/*.md", root_dir=ROOT))
    text = "".join(open(os.path.join(ROOT, path)).read() for path in paths)
    return text[:40000].splitlines() + MORE * 8


def sentences(kind, size, **options):
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(corpus()),
        model_writer=model,
        model_type=kind,
        vocab_size=size,
        byte_fallback=True,
        character_coverage=0.995,
        normalization_rule_name="identity",
        minloglevel=2,
        num_threads=1,
        **options,
    )
    with open(f"{OUTPUT}/{kind}.model", "wb") as file:
        file.write(model.getvalue())
    return sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())


def merges(processor):
    """SentencePiece's scores as a list of merges, as `transformers` converts them."""
    vocab = {processor.id_to_piece(id): id for id in range(processor.vocab_size())}
    found = []
    for piece, id in vocab.items():
        score = processor.get_score(id)
        local = [
            (piece[:cut], piece[cut:], score)
            for cut in range(1, len(piece))
            if piece[:cut] in vocab and piece[cut:] in vocab
        ]
        found += sorted(local, key=lambda merge: (vocab[merge[0]], vocab[merge[1]]))
    found.sort(key=lambda merge: (merge[2], len(merge[0]), len(merge[1])), reverse=True)
    return vocab, [(left, right) for left, right, _ in found]


def add(tokenizer, special, plain=(), begin=None):
    """Adds tokens, given as texts or AddedTokens, and puts `begin` in front of texts."""
    made = [AddedToken(t, special=True, normalized=False) if isinstance(t, str) else t for t in special]
    tokenizer.add_special_tokens(made)
    tokenizer.add_tokens(list(plain))
    if begin is not None:
        tokenizer.post_processor = processors.TemplateProcessing(
            single=f"{begin} $A",
            pair=f"{begin} $A {begin}:1 $B:1",
            special_tokens=[(begin, tokenizer.token_to_id(begin))],
        )
    return tokenizer


def save(tokenizer, name):
    tokenizer.save(f"{OUTPUT}/{name}.json", pretty=False)


def split(numbers):
    return pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(LLAMA3 % numbers), behavior="isolated", invert=False),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )


def byte_level(pre_tokenizer, **options):
    tokenizer = Tokenizer(models.BPE(**options))
    tokenizer.pre_tokenizer = pre_tokenizer
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=700,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator((line + "\n" for line in corpus()), trainer)
    return tokenizer


def llama3():
    tokenizer = byte_level(split("{1,3}"), ignore_merges=True)
    add(tokenizer, ["<|begin_of_text|>", "<|eot_id|>"], begin="<|begin_of_text|>")
    template = tokenizer.post_processor
    tokenizer.post_processor = processors.Sequence(
        [processors.ByteLevel(trim_offsets=False), template]
    )
    save(tokenizer, "llama3")


def qwen2():
    tokenizer = byte_level(split(""))
    tokenizer.normalizer = normalizers.NFC()
    plain = AddedToken("<tool_call>", special=False, normalized=False)
    save(add(tokenizer, ["<|endoftext|>", "<|im_start|>", "<|im_end|>"], [plain]), "qwen2")


def smollm():
    byte_pieces = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    digits = pre_tokenizers.Digits(individual_digits=True)
    tokenizer = byte_level(pre_tokenizers.Sequence([digits, byte_pieces]))
    save(add(tokenizer, ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]), "smollm")


def gpt2():
    tokenizer = byte_level(pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True))
    # Found in the order of two passes, the first over text as it is.
    plain = [
        AddedToken("<tool>", special=False, normalized=True),
        AddedToken(" <tool", special=False, normalized=False, lstrip=True),
        AddedToken("    ", special=False, normalized=False),
    ]
    save(add(tokenizer, ["<|endoftext|>"], plain), "gpt2")


def characters(vocab, pairs, **options):
    return Tokenizer(
        models.BPE(
            vocab=vocab, merges=pairs, byte_fallback=True, fuse_unk=True, unk_token="<unk>", **options
        )
    )


def decoder(strips):
    steps = [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]
    return decoders.Sequence(steps + [decoders.Strip(" ", 1, 0)] if strips else steps)


def mistral(vocab, pairs):
    tokenizer = characters(vocab, pairs)
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]
    )
    tokenizer.decoder = decoder(strips=True)
    plain = [AddedToken("<tool>", special=False, normalized=True)]
    save(add(tokenizer, ["<unk>", "<s>", "</s>", "[INST]"], plain, begin="<s>"), "mistral")


def phi3(vocab, pairs):
    tokenizer = characters(vocab, pairs)
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]
    )
    tokenizer.decoder = decoder(strips=True)
    special = ["<unk>", "<s>", "</s>"] + [
        AddedToken(text, special=True, normalized=False, rstrip=True, lstrip=text == "<|user|>")
        for text in ["<|end|>", "<|user|>", "<|assistant|>"]
    ]
    save(add(tokenizer, special), "phi3")


def metaspace(vocab, pairs):
    tokenizer = characters(vocab, pairs)
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(
        replacement="▁", prepend_scheme="first", split=False
    )
    tokenizer.decoder = decoder(strips=True)
    save(add(tokenizer, ["<unk>", "<s>", "</s>"], begin="<s>"), "metaspace")


def gemma(vocab, pairs):
    tokenizer = characters(vocab, pairs, ignore_merges=False)
    tokenizer.normalizer = normalizers.Replace(" ", "▁")
    tokenizer.pre_tokenizer = pre_tokenizers.Split(" ", behavior="merged_with_previous")
    tokenizer.decoder = decoder(strips=False)
    plain = [
        AddedToken("\n\n", special=False, normalized=False),
        AddedToken("▁▁", special=False, normalized=False),
    ]
    save(add(tokenizer, ["<unk>", "<s>", "</s>"], plain, begin="<s>"), "gemma")


def unigram(processor):
    pieces = [
        (processor.id_to_piece(id), processor.get_score(id)) for id in range(processor.vocab_size())
    ]
    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=0, byte_fallback=True))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(
        replacement="▁", prepend_scheme="always", split=True
    )
    tokenizer.decoder = decoders.Sequence(
        [decoders.ByteFallback(), decoders.Metaspace(replacement="▁", prepend_scheme="always")]
    )
    save(add(tokenizer, ["<unk>", "<s>", "</s>"]), "unigram")


def main():
    os.makedirs(OUTPUT, exist_ok=True)
    pairs = merges(sentences("bpe", 900, add_dummy_prefix=True, remove_extra_whitespaces=False))
    llama3(), qwen2(), smollm(), gpt2()
    mistral(*pairs), phi3(*pairs), metaspace(*pairs), gemma(*pairs)
    unigram(sentences("unigram", 900, remove_extra_whitespaces=True))


main()
