import GRPCCore
import GRPCCoreTransport
package import Logging
import MeshProtos
package import MeshRuntime
package import ServiceLifecycle

/// The gateway as a process: connections to the tokenizer and the schedulers, and the server.
package struct Gateway {
  /// What to run, in starting order.
  package let services: [any Service]
  /// The server, for its bound address and health.
  package let server: MeshServer

  /// Wires a gateway; nothing connects or listens yet.
  package init(settings: GatewaySettings, logger: Logger) {
    let tokenizerClient = MeshClient(address: settings.tokenizer)
    let cells = SchedulerCells(settings: settings, logger: logger)
    let tokenizer = Weft_Tokenizer_V1_TokenizerService.Client(wrapping: tokenizerClient.grpc)
    let rpc = GatewayRPC(
      models: ModelDirectory(tokenizer: tokenizer, cells: cells),
      tokenizer: tokenizer,
      cells: cells,
      requestTimeout: settings.requestTimeout,
      logger: logger
    )
    let health = HealthService(services: [
      Weft_Gateway_V1_GatewayService.descriptor.fullyQualifiedService
    ])
    health.markServing()
    server = MeshServer(
      settings: settings.server,
      services: [rpc],
      health: health,
      logger: logger
    )
    let watch: [any Service] = cells.isSingle ? [] : [CellWatch(cells: cells)]
    services = [tokenizerClient] + cells.connections + watch + [server]
  }
}
