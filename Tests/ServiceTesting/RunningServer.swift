import Configuration
package import GRPCCore
package import GRPCCoreTransport
package import Logging
package import MeshRuntime

/// Runs a service's server while `body` runs with a client that is connected to it.
package func withRunning<Result: Sendable>(
  _ server: MeshServer,
  _ body: (GRPCClient<CoreClientTransport>) async throws -> Result
) async throws -> Result {
  try await withThrowingTaskGroup(of: Void.self) { group in
    group.addTask { try await server.run() }
    let result = try await withClient(of: try await server.boundAddress, body)
    group.cancelAll()
    while await group.nextResult() != nil {}
    return result
  }
}

/// Settings as given by flags, whatever this process's environment; listening on a unix socket.
package func settings(_ flags: [String: String] = [:]) async throws -> SettingsReader {
  try await SettingsReader(
    flags: ["listen": "unix:\(uniqueSocketPath())"].merging(flags) { $1 }
      .mapValues { Int($0).map { .int($0) } ?? Double($0).map { .double($0) } ?? .string($0) },
    environment: EnvironmentVariablesProvider(environmentVariables: [:]),
    filePath: nil
  )
}

extension Logger {
  /// Says nothing.
  package static var silent: Logger { Logger(label: "test") { _ in SwiftLogNoOpLogHandler() } }
}
