package import MeshTypes

/// Which model file a service works with, and what clients call the model.
package struct ModelSettings: Hashable, Sendable {
  /// A GGUF file, or a Hugging Face folder.
  package var path: String
  /// The name in requests. By default the file's name without its directory and `.gguf`, which is
  /// how services that read the same file agree on it.
  package var name: String

  /// Reads `model` (required) and `model-name`.
  ///
  /// - Throws: ``MeshError`` `invalidArgument` naming the setting.
  package init(_ reader: SettingsReader) async throws(MeshError) {
    guard let path = try await reader.text("model"), !path.isEmpty else {
      throw .invalid(
        "model",
        "must name a GGUF file or a Hugging Face folder (--model or WEFT_MODEL)"
      )
    }
    self.path = path
    var name = String(path.split(separator: "/").last ?? "model")
    if name.hasSuffix(".gguf") { name.removeLast(".gguf".count) }
    self.name = try await reader.text("model-name") ?? name
    guard (1...200).contains(self.name.utf8.count) else {
      throw .invalid("model-name", "must be of 1...200 bytes, got \(self.name.utf8.count)")
    }
  }
}
