package import ChatTemplates
package import MeshTypes
import ModelFiles
package import Tokenization
import TokenizerFiles

/// A model's vocabulary and chat template, read from its GGUF file or Hugging Face folder.
package struct TokenizerModel: Sendable {
  /// What clients call it.
  package let name: String
  package let tokenizer: Tokenizer
  /// Nil if the model carries none.
  package let chatTemplate: ChatTemplate?

  /// Reads a GGUF file's metadata, or the `tokenizer.json` of a folder and the files beside it; no
  /// file is kept open.
  ///
  /// - Throws: ``MeshError`` naming the metadata key, file or path of a key at fault.
  package init(name: String, path: String) throws(MeshError) {
    self.name = name
    let template: String?
    if isFolder(path) {
      let folder = TokenizerFolder(path: path)
      tokenizer = try Tokenizer(try folder.description())
      template = try folder.chatTemplate()
    } else {
      let metadata = try GGUFFile(path: path).metadata
      tokenizer = try Tokenizer(TokenizerDescription(metadata))
      template = try metadata.stringIfPresent("tokenizer.chat_template")
    }
    chatTemplate = try template.map { (source) throws(MeshError) in try ChatTemplate(source) }
  }

  /// The prompt that the chat template makes of a conversation.
  ///
  /// - Parameters:
  ///   - messages: The turns, oldest first.
  ///   - addsGenerationPrompt: Whether the prompt ends with the beginning of the answer.
  ///   - now: The time that a template may ask for.
  /// - Throws: ``MeshError`` `failedPrecondition` if the model has no chat template, else what the
  ///   template throws, such as its own `raise_exception`.
  package func prompt(
    for messages: [ChatMessage],
    addsGenerationPrompt: Bool,
    now: TemplateDate
  ) throws(MeshError) -> String {
    guard let chatTemplate else {
      throw MeshError(.failedPrecondition, "the model \"\(name)\" carries no chat template")
    }
    return try chatTemplate.render(
      messages: messages,
      addsGenerationPrompt: addsGenerationPrompt,
      bosToken: tokenizer.beginOfSequence.flatMap { tokenizer.token(of: $0) },
      eosToken: tokenizer.endOfSequence.flatMap { tokenizer.token(of: $0) },
      now: now
    )
  }
}
