package import GRPCCoreTransport
package import MeshRuntime
package import MeshTypes

/// What a gateway needs to know to run.
package struct GatewaySettings: Sendable {
  /// How to listen.
  package var server: ServerSettings
  /// The tokenizer service.
  package var tokenizer: TransportAddress
  /// The scheduler services, at least one, each with workers of its own.
  package var schedulers: [TransportAddress]
  /// The longest that one request may take, queueing included.
  package var requestTimeout: Duration
  /// How long a scheduler may take to say how it is, where there are several.
  package var statusTimeout = Duration.seconds(2)
  /// How long a request waits before it is submitted again, where there is nowhere else to go.
  package var resubmission = Backoff()

  /// The most schedulers.
  package static let maximumSchedulers = CellPrefixIndex.maximumCells

  /// Reads what ``ServerSettings`` does, `tokenizer`, `scheduler` (addresses with commas between
  /// them) and `request-timeout-seconds`.
  ///
  /// - Throws: ``MeshError`` `invalidArgument` naming the setting.
  package init(_ reader: SettingsReader) async throws(MeshError) {
    server = try await ServerSettings(reader, defaultPort: 7700)
    tokenizer = try await reader.address("tokenizer") ?? .tcp(host: "127.0.0.1", port: 7701)
    schedulers =
      try await reader.addresses("scheduler", upTo: Self.maximumSchedulers)
      ?? [.tcp(host: "127.0.0.1", port: 7702)]
    guard !schedulers.isEmpty else {
      throw .invalid("scheduler", "must have 1...\(Self.maximumSchedulers) addresses, got none")
    }
    let seconds = try await reader.integer("request-timeout-seconds", in: 1...86_400)
    requestTimeout = .seconds(seconds ?? 600)
  }
}
