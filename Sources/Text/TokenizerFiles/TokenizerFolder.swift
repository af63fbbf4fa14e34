import JSONText
package import MeshTypes
import ModelFiles
package import Tokenization

/// What a Hugging Face folder says about text.
package struct TokenizerFolder {
  private let files: FolderFiles

  private static let configurationLimits = JSONLimits(byteCount: 16 << 20, valueCount: 1 << 20)
  private static let maximumTemplateBytes = 1 << 20

  /// - Parameter path: The folder; its files are read when they are asked for.
  package init(path: String) { files = FolderFiles(path: path) }

  /// The vocabulary: `tokenizer.json`, and the special tokens that `tokenizer_config.json` and
  /// `generation_config.json` name.
  package func description() throws(MeshError) -> TokenizerDescription {
    var description = try TokenizerDescription(
      huggingFace: try files.json("tokenizer.json", limits: TokenizerDescription.jsonLimits),
      configuration: try configuration()
    )
    description.otherEnds = Set(try files.endTokenIDs().map { TokenID(clamping: $0) })
    return description
  }

  /// The chat template: the file `chat_template.jinja`, or what `tokenizer_config.json` has, a text
  /// or several with names, of which `default` counts, else the first.
  package func chatTemplate() throws(MeshError) -> String? {
    if let text = try templateFile() { return text }
    guard let field = try configuration().flatMap({ JSONField($0)["chat_template"] }) else {
      return nil
    }
    guard case .array = field.value else { return try field.string() }
    let named = try field.elements()
    let usual = named.first { $0["name"]?.value == .string("default") } ?? named.first
    return try usual?.member("template").string()
  }

  private func configuration() throws(MeshError) -> JSONValue? {
    try files.jsonIfPresent("tokenizer_config.json", limits: Self.configurationLimits)
  }

  private func templateFile() throws(MeshError) -> String? {
    let name = "chat_template.jinja"
    let bytes: [UInt8]
    do throws(MeshError) {
      bytes = try files.contents(name, maximumByteCount: Self.maximumTemplateBytes)
    } catch {
      if error.code == .notFound { return nil }
      throw error
    }
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw MeshError(.corrupted, "\(name) is not valid UTF-8", field: name)
    }
    return text
  }
}
