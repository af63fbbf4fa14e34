import ArgumentParser
import Configuration

/// The flags of the KV store's use.
struct StoreOptions: ParsableArguments {
  @Option(help: "The KV store's replicas, with commas between (WEFT_KVSTORES; default none).")
  var kvstores: String?

  @Option(help: "File of the key that the mesh's workers share (WEFT_MESH_KEY_FILE).")
  var meshKeyFile: String?

  @Option(help: "Memory in MiB for blocks to be stored (WEFT_STORE_STAGING_MIB; default 64).")
  var storeStagingMib: Int?

  @Option(help: "How blocks are stored, exact or q8 (WEFT_STORE_BLOCK_FORMAT; default exact).")
  var storeBlockFormat: String?

  /// The flags by setting name.
  var flags: [String: ConfigContent?] {
    [
      "kvstores": kvstores.map { .string($0) }, "mesh-key-file": meshKeyFile.map { .string($0) },
      "store-staging-mib": storeStagingMib.map { .int($0) },
      "store-block-format": storeBlockFormat.map { .string($0) },
    ]
  }
}
