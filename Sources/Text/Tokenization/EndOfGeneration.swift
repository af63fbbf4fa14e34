import MeshTypes

/// Which tokens end a generation.
///
/// Model files name one end-of-sequence token, but chat models end their turns with others. As in
/// llama.cpp these are known by their texts, where the token is no ordinary text.
enum EndOfGeneration {
  /// Texts of tokens that end a generation in one model family or another.
  private static let texts: Set<String> = [
    "<|eot_id|>", "<|im_end|>", "<|end|>", "<|return|>", "<|call|>", "<|flush|>", "<|calls|>",
    "<end_of_turn>", "<|endoftext|>", "</s>", "<|eom_id|>", "<EOT>", "_<EOT>", "[EOT]", "[EOS]",
    "<|end_of_text|>", "<end_of_utterance>", "<eos>", "<turn|>", "<|tool_response>",
    "<｜end▁of▁sentence｜>", "[e~[",
  ]

  /// Texts of tokens that separate files or fill up in code completion; a model that writes one
  /// has said what it had to say.
  private static let fillInTheMiddleTexts: Set<String> = [
    "<|fim_pad|>", "<fim-pad>", "<fim_pad>", "<PAD>", "[PAD]", "<|fim_repo|>", "<|repo_name|>",
    "<fim-repo>", "<REPO>", "<reponame>", "<|file_sep|>",
  ]

  /// The ids of the tokens that end a generation.
  static func tokenIDs(
    of vocabulary: Vocabulary,
    _ description: TokenizerDescription
  ) -> Set<TokenID> {
    func special(_ text: String) -> TokenID? {
      guard let id = vocabulary.id(ofToken: text) else { return nil }
      let type = vocabulary.types[Int(id)]
      return type.isSpecial || type == .userDefined ? id : nil
    }
    var ids = Set(texts.union(fillInTheMiddleTexts).compactMap(special))
    ids.formUnion(
      [description.endOfSequence, description.endOfTurn, description.endOfMessage]
        .compactMap(\.self)
    )
    ids.formUnion(description.otherEnds)
    // In the harmony format a message ends with <|end|>, and others may follow it.
    let isHarmony =
      special("<|return|>") != nil && special("<|call|>") != nil
      || special("<|calls|>") != nil && special("<|flush|>") != nil
    if isHarmony, let end = special("<|end|>") { ids.remove(end) }
    return ids
  }
}
