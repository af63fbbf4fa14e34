import ArgumentParser
import Configuration
import KVStoreService
import MeshRuntime

@main
struct KVStoreCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "weft-kvstore",
    abstract: "Remember KV blocks for all workers, in memory and on disk.",
    version: meshVersion
  )

  @Option(help: "Where to listen (WEFT_LISTEN; default 127.0.0.1:7703).")
  var listen: String?

  @OptionGroup(title: "Memory") var memory: MemoryOptions

  @OptionGroup(title: "Disk") var disk: DiskOptions

  @OptionGroup var common: CommonOptions

  func run() async throws {
    let (settings, logger) = try await common.prepare(
      service: "weft-kvstore",
      flags: ["listen": listen.map { .string($0) }]
        .merging(memory.flags) { first, _ in first }
        .merging(disk.flags) { first, _ in first }
    )
    let store = try await KVStoreServer(
      settings: try await KVStoreSettings(settings),
      logger: logger
    )
    try await MeshProcess.run(store.services + common.services, logger: logger)
  }
}
