/// How a stretch of text becomes tokens.
package enum TokenizerAlgorithm: Sendable, CaseIterable {
  /// Byte-level BPE, as in GPT-2: the bytes of each piece that the pre-tokenizer cuts merge in the
  /// order of the model's list of merges. `tokenizer.ggml.model` is `gpt2`.
  case bytePairs
  /// BPE over characters in the order of the model's list of merges; `▁` is a space. What
  /// `tokenizer.json` makes of SentencePiece's BPE.
  case characterPairs
  /// SentencePiece's BPE: two neighbours merge where their joined text is a token, the one of the
  /// highest score first; `▁` is a space. `tokenizer.ggml.model` is `llama`.
  case scoredPairs
  /// Unigram (Kudo 2018): the tokens whose scores have the greatest sum; `▁` is a space.
  /// `tokenizer.ggml.model` is `t5`.
  case unigram

  /// Whether tokens are written in GPT-2's byte alphabet; if not, `▁` stands for a space and
  /// `<0x0A>` for a byte.
  var isByteLevel: Bool { self == .bytePairs }
}
