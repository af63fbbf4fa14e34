package import GRPCCoreTransport
package import MeshRuntime
package import MeshTypes

/// Where the KV store's replicas are and how long their answers may take.
package struct StoreClusterSettings: Sendable, Hashable {
  /// The replicas, in any order, each once; empty: there is no store.
  package var addresses: [TransportAddress]
  /// What takes longer to look up is a miss.
  package var lookupTimeout = Duration.milliseconds(50)
  /// How long a call waits for a connection to a replica that it has none to.
  package var connectTimeout = Duration.milliseconds(50)
  /// How long a replica may keep a reader waiting for its next block.
  package var stallTimeout = Duration.milliseconds(250)
  /// How long storing one batch of blocks may take.
  package var putTimeout = Duration.seconds(1)

  /// The most replicas.
  package static let maximumReplicas = 64

  /// Settings for replicas at `addresses`.
  package init(addresses: [TransportAddress]) {
    self.addresses = addresses
  }

  /// Reads `kvstores`, addresses with commas between them, and `kvstore-lookup-timeout-ms`.
  ///
  /// - Throws: ``MeshError`` `invalidArgument` naming the setting.
  package init(_ reader: SettingsReader) async throws(MeshError) {
    let addresses = try await reader.addresses("kvstores", upTo: Self.maximumReplicas) ?? []
    self.init(addresses: addresses)
    if let timeout = try await reader.integer("kvstore-lookup-timeout-ms", in: 1...60_000) {
      lookupTimeout = .milliseconds(timeout)
      connectTimeout = lookupTimeout
    }
  }
}
