package import GRPCCoreTransport
package import MeshRuntime
package import MeshTypes

/// What a tokenizer service needs to know to run.
package struct TokenizerSettings: Sendable {
  /// Where to listen.
  package var listen: TransportAddress
  /// The model whose vocabulary and chat template to serve.
  package var model: ModelSettings

  /// Reads `listen`, `model` and `model-name`.
  ///
  /// - Throws: ``MeshError`` `invalidArgument` naming the setting.
  package init(_ reader: SettingsReader) async throws(MeshError) {
    listen = try await reader.address("listen") ?? .tcp(host: "127.0.0.1", port: 7701)
    model = try await ModelSettings(reader)
  }
}
