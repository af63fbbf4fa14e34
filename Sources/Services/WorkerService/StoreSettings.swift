package import KVStoreClient
package import Kernels
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
  /// How blocks stand in the store; the same for all workers that are to share them.
  package var blockFormat: KVBlockFormat

  /// Reads what ``StoreClusterSettings`` does, `mesh-key-file`, `store-staging-mib` and
  /// `store-block-format`.
  ///
  /// - Throws: ``MeshError`` `invalidArgument` naming the setting.
  package init(_ reader: SettingsReader) async throws(MeshError) {
    cluster = try await StoreClusterSettings(reader)
    keyFile = try await reader.text("mesh-key-file")
    stagingBytes = (try await reader.integer("store-staging-mib", in: 1...65_536) ?? 64) << 20
    let format = try await reader.text("store-block-format") ?? KVBlockFormat.exact.rawValue
    guard let known = KVBlockFormat(rawValue: format) else {
      throw .invalid(
        "store-block-format",
        "must be one of \(KVBlockFormat.allCases.map(\.rawValue)), got \"\(format.prefix(100))\""
      )
    }
    blockFormat = known
  }
}
