package import GRPCCoreTransport
package import MeshTypes

/// Where a service listens and how it goes away.
package struct ServerSettings: Hashable, Sendable {
  /// Where to listen.
  package var listen: TransportAddress
  /// How long calls that run may go on after the process was asked to stop.
  package var shutdownGrace: Duration

  /// Reads `listen` and `shutdown-grace-seconds`.
  ///
  /// - Parameter defaultPort: The loopback port if `listen` is set nowhere.
  /// - Throws: ``MeshError`` `invalidArgument` naming the setting.
  package init(_ reader: SettingsReader, defaultPort: Int) async throws(MeshError) {
    listen = try await reader.address("listen") ?? .tcp(host: "127.0.0.1", port: defaultPort)
    let seconds = try await reader.integer("shutdown-grace-seconds", in: 0...3600)
    shutdownGrace = .seconds(seconds ?? 30)
  }
}
