"""Encodes seeded random strings with SentencePiece or `tokenizers`, as an oracle for the Swift tests.

usage: pieces.py huggingface TOKENIZER.json COUNT SEED OUTPUT.json
       pieces.py sentencepiece MODEL COUNT SEED OUTPUT.json

MODEL is a SentencePiece model, or a GGUF file with the vocabulary of one. Writes an object with
  vocabulary {tokens, types, scores, begin, unknown, prefix, collapses, isUnigram}  of sentencepiece
  encodings  [{text, recognised: [id], plain: [id] or null, whole: [id] or null, decoded}]
             `whole` has the special tokens around it, `plain` none recognised
  decodings  [{ids: [id], text or null, skipping}]  without and with special tokens left out
"""

import json
import random
import re
import sys
import unicodedata

import differential as base


class HuggingFace:
    """A `tokenizer.json`."""

    def __init__(self, path):
        from tokenizers import Tokenizer

        self.tokenizer = Tokenizer.from_file(path)
        added = self.tokenizer.get_added_tokens_decoder()
        self.special = [token.content for token in added.values() if token.special]
        self.added = [token.content for token in added.values()]
        self.is_unigram = type(self.tokenizer.model).__name__ == "Unigram"
        size = self.tokenizer.get_vocab_size()
        texts = [self.tokenizer.id_to_token(id) for id in range(size)]
        self.bytes = {id for id, text in enumerate(texts) if re.fullmatch("<0x..>", text)}
        # tokenizers makes each byte of a broken character a U+FFFD, and good ones beside it.
        self.ids = [id for id in range(size) if id not in self.bytes]
        self.vocabulary = None
        self.has_spaces = False

    def accepts(self, text):
        """Whether its normalizer, of an old version of Unicode, agrees with Python's."""
        normalizer = self.tokenizer.normalizer
        if type(normalizer).__name__ != "NFC":
            return True
        return normalizer.normalize_str(text) == unicodedata.normalize("NFC", text)

    def encode(self, text, recognised=True, whole=False):
        # The trie of tokenizers' Unigram has the special tokens' texts, and those of bytes.
        if self.is_unigram and (not recognised and any(t in text for t in self.special)):
            return None
        self.tokenizer.encode_special_tokens = not recognised
        return self.tokenizer.encode(text, add_special_tokens=whole).ids

    def decode(self, ids, skips):
        return self.tokenizer.decode(ids, skip_special_tokens=skips)


class SentencePiece:
    """A SentencePiece model; added tokens are cut out of text first, as llama.cpp does."""

    def __init__(self, path):
        import sentencepiece
        from sentencepiece import sentencepiece_model_pb2 as proto

        model = proto.ModelProto()
        if path.endswith(".gguf"):
            read_gguf(path, model)
        else:
            with open(path, "rb") as file:
                model.ParseFromString(file.read())
        self.processor = sentencepiece.SentencePieceProcessor(
            model_proto=model.SerializeToString()
        )
        pieces = model.pieces
        rules = model.normalizer_spec
        is_user = [piece.type == 4 for piece in pieces]
        # GGUF files have such tokens in the form in which they stand in text.
        tokens = [
            piece.piece.replace("▁", " ") if user else piece.piece
            for piece, user in zip(pieces, is_user)
        ]
        self.vocabulary = {
            "tokens": tokens,
            "types": [piece.type for piece in pieces],
            "scores": [piece.score for piece in pieces],
            "begin": self.processor.bos_id(),
            "unknown": self.processor.unk_id(),
            "prefix": rules.add_dummy_prefix,
            "collapses": rules.remove_extra_whitespaces,
            "isUnigram": model.trainer_spec.model_type == 1,
        }
        self.found = {
            False: {t: id for id, t in enumerate(tokens) if is_user[id]},
            True: {t: id for id, t in enumerate(tokens) if pieces[id].type in (2, 3, 4)},
        }
        self.pattern = {
            recognised: re.compile("|".join(re.escape(t) for t in sorted(found, key=len)[::-1]))
            for recognised, found in self.found.items()
        }
        self.special = [t for t in self.found[True] if t not in self.found[False]]
        self.added = list(self.found[True])
        # A space in the form of a byte at the beginning stays, in SentencePiece alone.
        # One that collapses spaces leaves out all of those at the beginning.
        strange = ["<0x20>", "▁" if rules.remove_extra_whitespaces else ""]
        self.ids = [
            id for id, t in enumerate(tokens) if pieces[id].type in (1, 4, 6) and t not in strange
        ]
        # A `▁` in text is a part of such tokens in SentencePiece, not in llama.cpp.
        self.has_spaces = any(t.startswith(" ") for t in self.found[False])

    def accepts(self, text):
        return True

    def encode(self, text, recognised=True, whole=False):
        if whole:
            return None
        found, pattern = self.found[recognised], self.pattern[recognised]
        ids, start = [], 0
        if found:
            for match in pattern.finditer(text):
                ids += self.processor.encode(text[start : match.start()])
                ids.append(found[match.group()])
                start = match.end()
        return ids + self.processor.encode(text[start:])

    def decode(self, ids, skips):
        return self.processor.decode(ids) if skips else None


def read_gguf(path, model):
    """Makes a SentencePiece model of the vocabulary in a GGUF file."""
    pairs = base.metadata(path)
    types = pairs["tokenizer.ggml.token_type"]
    unknown = pairs["tokenizer.ggml.unknown_token_id"]
    for id, (token, score) in enumerate(
        zip(pairs["tokenizer.ggml.tokens"], pairs["tokenizer.ggml.scores"])
    ):
        kind = 2 if id == unknown else types[id]
        piece = token.replace(" ", "▁") if kind == 4 else token
        model.pieces.add(piece=piece, score=score, type=kind)
    trainer, rules = model.trainer_spec, model.normalizer_spec
    trainer.model_type, trainer.byte_fallback = 2, True
    trainer.unk_id, trainer.bos_id = unknown, pairs["tokenizer.ggml.bos_token_id"]
    trainer.eos_id, trainer.pad_id = pairs["tokenizer.ggml.eos_token_id"], 0
    trainer.bos_piece, trainer.eos_piece, trainer.pad_piece = "<bos>", "<eos>", "<pad>"
    rules.name, rules.escape_whitespaces = "identity", True
    rules.add_dummy_prefix = pairs.get("tokenizer.ggml.add_space_prefix", True)
    rules.remove_extra_whitespaces = False


def texts(count, rng, oracle):
    for text in any_texts(count, rng, oracle):
        if oracle.accepts(text):
            yield text.replace("▁", "_") if oracle.has_spaces else text


def any_texts(count, rng, oracle):
    everything = base.assigned()
    yield ""
    for run in ["a", " ", "\n", "▁", "ab", " a", "é", "😀", "\u0301", "e\u0301", "the "]:
        yield run * 700
    yield "".join(rng.choice("etaoinshrdlu ") for _ in range(5000))
    special = oracle.added + ["▁", "▁▁", " ", "  "]
    for _ in range(count):
        pieces = [base.piece(rng, everything, special) for _ in range(rng.randint(1, 14))]
        yield rng.choice(["", " "]).join(pieces).replace("\x00", "")


def main():
    kind, path, count, seed, output = sys.argv[1:]
    rng = random.Random(f"{path.split('/')[-1]} {seed}")
    oracle = {"huggingface": HuggingFace, "sentencepiece": SentencePiece}[kind](path)
    encodings = []
    for text in texts(int(count), rng, oracle):
        recognised = oracle.encode(text)
        encodings.append(
            {
                "text": text,
                "recognised": recognised,
                "plain": oracle.encode(text, recognised=False),
                "whole": oracle.encode(text, whole=True),
                "decoded": oracle.decode(recognised, False),
            }
        )
    decodings = []
    for _ in range(int(count) // 4):
        ids = [rng.choice(oracle.ids) for _ in range(rng.randint(0, 20))]
        decodings.append(
            {
                "ids": ids,
                "text": oracle.decode(ids, False),
                "skipping": oracle.decode(ids, True),
            }
        )
    with open(output, "w") as file:
        json.dump(
            {"vocabulary": oracle.vocabulary, "encodings": encodings, "decodings": decodings}, file
        )


main()
