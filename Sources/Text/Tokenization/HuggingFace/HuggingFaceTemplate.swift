import JSONText
import MeshTypes

/// `post_processor`: what is put around a text's tokens.
struct HuggingFaceTemplate {
  /// The token in front, if there is one.
  private(set) var beginOfSequence: TokenID?

  init(_ top: JSONField, _ tokens: HuggingFaceTokens) throws(MeshError) {
    guard let postProcessor = top["post_processor"] else { return }
    for step in try postProcessor.steps("processors") {
      switch try step.type() {
      case "ByteLevel": break  // Moves offsets alone.
      case "TemplateProcessing": try readTemplate(step, tokens)
      default:
        throw try step.member("type").unsupported("ByteLevel, TemplateProcessing or Sequence")
      }
    }
  }

  /// Reads `[{"SpecialToken": {"id": "<s>"}}, {"Sequence": {"id": "A"}}]`.
  private mutating func readTemplate(
    _ step: JSONField,
    _ tokens: HuggingFaceTokens
  ) throws(MeshError) {
    let single = try step.member("single")
    var parts = try single.elements()
    guard let last = parts.popLast(), last["Sequence"]?["id"]?.value == .string("A"),
      parts.count <= 1
    else { throw single.unsupported("the sequence A, with at most one special token before it") }
    guard let part = parts.first else { return }
    let name = try part.member("SpecialToken").member("id")
    guard let id = tokens.id(of: try name.string()) else {
      throw name.corrupted("must be a token, is none")
    }
    beginOfSequence = id
  }
}
