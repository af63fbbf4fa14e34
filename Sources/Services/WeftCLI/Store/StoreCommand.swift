import ArgumentParser

/// `weft store`: looks after a KV store's files on this machine.
struct StoreCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "store",
    abstract: "Look into a KV store's segments.",
    subcommands: [StoreInspectCommand.self]
  )
}
