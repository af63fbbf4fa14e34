package import KVStoreClient
package import MeshRuntime
package import MeshTypes

/// How a worker uses the KV store.
package struct StoreSettings: Sendable {
  /// The store's replicas; without any, nothing is loaded or stored.
  package var cluster: StoreClusterSettings
  /// The file of the mesh's key; nil: the key that everybody knows.
  package var keyFile: String?
  /// Memory for blocks on their way to the store; what finds none is not stored.
  package var stagingBytes: Int

  /// Reads what ``StoreClusterSettings`` does, `mesh-key-file` and `store-staging-mib`.
  ///
  /// - Throws: ``MeshError`` `invalidArgument` naming the setting.
  package init(_ reader: SettingsReader) async throws(MeshError) {
    cluster = try await StoreClusterSettings(reader)
    keyFile = try await reader.text("mesh-key-file")
    stagingBytes = (try await reader.integer("store-staging-mib", in: 1...65_536) ?? 64) << 20
  }
}
