package import GRPCCore
package import GRPCCoreTransport
package import Logging
import MeshTypes
import ServiceLifecycle

/// A gRPC server with health, as a lifecycle service: serves until graceful shutdown, then lets
/// running calls end for a grace period.
package struct MeshServer: Service {
  /// The state that health checks see; the owner marks it serving when it is.
  package let health: HealthService

  private let server: GRPCServer<CoreServerTransport>
  private let logger: Logger

  /// Creates a server; nothing is bound before ``run()``.
  ///
  /// - Parameters:
  ///   - settings: Where to listen and how to stop.
  ///   - services: What to serve besides health.
  ///   - health: The health service to serve with them.
  ///   - logger: Where to tell the bound address.
  package init(
    settings: ServerSettings,
    services: [any RegistrableRPCService],
    health: HealthService,
    logger: Logger
  ) {
    self.health = health
    self.logger = logger
    var configuration = CoreServerConfiguration()
    configuration.shutdownGracePeriod = settings.shutdownGrace
    self.server = GRPCServer(
      transport: CoreServerTransport(address: settings.listen, configuration: configuration),
      services: services + [health]
    )
  }

  /// The address that was bound, with the port that the system chose.
  ///
  /// - Throws: If the server stopped before it listened.
  package var boundAddress: TransportAddress {
    get async throws {
      try await server.transport.listeningAddress
    }
  }

  package func run() async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask {
        try await withGracefulShutdownHandler {
          try await server.serve()
        } onGracefulShutdown: {
          health.markNotServing()
          health.finishWatches()
          server.beginGracefulShutdown()
        }
      }
      let bound = try await boundAddress
      logger.info("listening", metadata: ["address": "\(bound)"])
      try await group.waitForAll()
    }
  }
}
