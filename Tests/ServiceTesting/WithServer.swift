package import GRPCCore
package import GRPCCoreTransport
import Glibc

/// Serves `services` on a unix socket and runs `body` with a client that is connected to it.
///
/// - Throws: What `body` throws.
package func withServer<Result: Sendable>(
  _ services: [any RegistrableRPCService],
  _ body: (GRPCClient<CoreClientTransport>, TransportAddress) async throws -> Result
) async throws -> Result {
  let address = TransportAddress.unix(path: uniqueSocketPath())
  let transport = CoreServerTransport(address: address)
  let server = GRPCServer(transport: transport, services: services)
  return try await withThrowingTaskGroup(of: Void.self) { group in
    group.addTask { try await server.serve() }
    _ = try await transport.listeningAddress
    let result = try await withClient(of: address) { client in try await body(client, address) }
    server.beginGracefulShutdown()
    return result
  }
}

/// Runs `body` with a client that is connected to `address`.
package func withClient<Result: Sendable>(
  of address: TransportAddress,
  _ body: (GRPCClient<CoreClientTransport>) async throws -> Result
) async throws -> Result {
  try await withGRPCClient(transport: CoreClientTransport(address: address)) { client in
    try await body(client)
  }
}

/// A path for a unix socket that nobody else uses.
package func uniqueSocketPath() -> String {
  "/tmp/weft-test-\(getpid())-\(String(UInt64.random(in: 0 ... .max), radix: 36)).sock"
}
