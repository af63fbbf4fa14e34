package import ArgumentParser
import MeshRuntime

/// `weft`: the mesh's command line.
package struct WeftCommand: AsyncParsableCommand {
  package static let configuration = CommandConfiguration(
    commandName: "weft",
    abstract: "Serve large language models on your own machines.",
    version: meshVersion,
    subcommands: [
      UpCommand.self, ChatCommand.self, GenerateCommand.self, ModelsCommand.self,
      HealthCommand.self, StoreCommand.self, TopCommand.self, SimulateCommand.self,
    ]
  )

  package init() {}
}
