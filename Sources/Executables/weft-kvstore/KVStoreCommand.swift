import ArgumentParser
import Configuration
import MeshRuntime

@main
struct KVStoreCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "weft-kvstore",
    abstract: "Remember KV blocks for all workers, in memory and on disk.",
    version: meshVersion
  )

  @OptionGroup var common: CommonOptions

  func run() async throws {}
}
