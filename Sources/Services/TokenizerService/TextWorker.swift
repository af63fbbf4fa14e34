import ChatTemplates
import Glibc
import MeshRuntime
import MeshTypes
import Tokenization

/// Encodes long texts on a thread of its own, so that they hold up nobody else's short ones.
actor TextWorker {
  private let executor = DedicatedThreadExecutor(label: "weft.tokenizer.text")
  private let model: TokenizerModel

  nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

  init(model: TokenizerModel) { self.model = model }

  func encode(
    _ text: String,
    specialTokens: SpecialTokenPolicy,
    addsBeginOfSequence: Bool
  ) -> [TokenID] {
    model.tokenizer.encode(
      text,
      specialTokens: specialTokens,
      addsBeginOfSequence: addsBeginOfSequence
    )
  }

  func prompt(
    for messages: [ChatMessage],
    addsGenerationPrompt: Bool
  ) throws(MeshError) -> String {
    try model.prompt(
      for: messages,
      addsGenerationPrompt: addsGenerationPrompt,
      now: TemplateDate(unixSeconds: time(nil))
    )
  }
}
