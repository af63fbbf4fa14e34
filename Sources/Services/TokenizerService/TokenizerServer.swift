import GRPCCore
package import Logging
import MeshProtos
package import MeshRuntime
package import MeshTypes
package import ServiceLifecycle
import Tokenization

/// The tokenizer service as a process.
package struct TokenizerServer {
  /// What to run, in starting order.
  package let services: [any Service]
  /// The server, for its bound address and health.
  package let server: MeshServer

  /// Reads the model and wires the server; nothing listens yet.
  ///
  /// - Throws: ``MeshError`` naming the metadata key at fault.
  package init(settings: TokenizerSettings, logger: Logger) throws(MeshError) {
    let model = try TokenizerModel(name: settings.model.name, path: settings.model.path)
    logger.info(
      "vocabulary loaded",
      metadata: [
        "model": "\(model.name)", "tokens": "\(model.tokenizer.vocabularySize)",
        "chat-template": "\(model.chatTemplate != nil)",
      ]
    )
    let health = HealthService(services: [
      Weft_Tokenizer_V1_TokenizerService.descriptor.fullyQualifiedService
    ])
    health.markServing()
    server = MeshServer(
      settings: settings.server,
      services: [TokenizerRPC(model: model)],
      health: health,
      logger: logger
    )
    services = [server]
  }
}
