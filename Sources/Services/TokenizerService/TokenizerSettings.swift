package import MeshRuntime
package import MeshTypes

/// What a tokenizer service needs to know to run.
package struct TokenizerSettings: Sendable {
  /// How to listen.
  package var server: ServerSettings
  /// The model whose vocabulary and chat template to serve.
  package var model: ModelSettings

  /// Reads what ``ServerSettings`` does, `model` and `model-name`.
  ///
  /// - Throws: ``MeshError`` `invalidArgument` naming the setting.
  package init(_ reader: SettingsReader) async throws(MeshError) {
    server = try await ServerSettings(reader, defaultPort: 7701)
    model = try await ModelSettings(reader)
  }
}
