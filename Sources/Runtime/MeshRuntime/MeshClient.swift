package import GRPCCore
package import GRPCCoreTransport
import ServiceLifecycle

/// A client connection to one address, as a lifecycle service: connects when first used, reconnects
/// by itself, closes on graceful shutdown.
///
/// List it before the server that uses it in a `ServiceGroup`: groups shut down in reverse order,
/// so the server's calls end first.
package struct MeshClient: Service {
  /// Whether a silent peer is noticed while a call runs.
  package enum Keepalive: Sendable {
    /// Only by the transport's own errors.
    case none
    /// By pings: a peer that answers none for some seconds fails its calls with `unavailable`.
    case whileWorking
  }

  /// What generated clients wrap.
  package let grpc: GRPCClient<CoreClientTransport>

  /// Creates a client; nothing connects before a call is made.
  package init(address: TransportAddress, keepalive: Keepalive = .none) {
    var configuration = CoreClientConfiguration()
    if keepalive == .whileWorking {
      configuration.keepalive = CoreKeepalive(
        interval: .seconds(5),
        timeout: .seconds(5),
        pingsWithoutCalls: false
      )
    }
    self.grpc = GRPCClient(
      transport: CoreClientTransport(address: address, configuration: configuration)
    )
  }

  package func run() async throws {
    try await withGracefulShutdownHandler {
      try await grpc.runConnections()
    } onGracefulShutdown: {
      grpc.beginGracefulShutdown()
    }
  }
}
