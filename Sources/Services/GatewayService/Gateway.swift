import GRPCCore
import GRPCCoreTransport
package import Logging
import MeshProtos
package import MeshRuntime
package import ServiceLifecycle

/// The gateway as a process: connections to the tokenizer and the scheduler, and the server.
package struct Gateway {
  /// What to run, in starting order.
  package let services: [any Service]
  /// The server, for its bound address and health.
  package let server: MeshServer

  /// Wires a gateway; nothing connects or listens yet.
  package init(settings: GatewaySettings, logger: Logger) {
    let tokenizerClient = MeshClient(address: settings.tokenizer)
    let schedulerClient = MeshClient(address: settings.scheduler)
    let tokenizer = Weft_Tokenizer_V1_TokenizerService.Client(wrapping: tokenizerClient.grpc)
    let scheduler = Weft_Scheduler_V1_SchedulerService.Client(wrapping: schedulerClient.grpc)
    let rpc = GatewayRPC(
      models: ModelDirectory(tokenizer: tokenizer, scheduler: scheduler),
      tokenizer: tokenizer,
      scheduler: scheduler,
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
    services = [tokenizerClient, schedulerClient, server]
  }
}
