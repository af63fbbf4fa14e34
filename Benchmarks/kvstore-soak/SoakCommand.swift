import ArgumentParser

/// Holds a store under load, or kills it again and again, and checks every byte that it gives.
@main
struct SoakCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "kvstore-soak",
    abstract: "Kill a store under load, or hold it under load, and check every byte."
  )

  @Option(help: "Kill the store so often under 8 writers.")
  var kills = 0

  @Option(help: "Hold the store under full load for so long.")
  var minutes = 0.0

  @Option(help: "Where segments are kept; left there.")
  var directory: String

  @Option(help: "The store's executable.")
  var executable = ".build/release/weft-kvstore"

  @Option(help: "The store's memory.")
  var memoryMib = 256

  @Option(help: "The store's disk.")
  var diskMib = 4096

  @Option(help: "Payload bytes of a block.")
  var blockBytes = 368_640

  func run() async throws {
    let launcher = StoreLauncher(
      executable: executable,
      directory: directory,
      memoryMib: memoryMib,
      diskMib: diskMib
    )
    let blocks = BlockSet(blockBytes: blockBytes, memoryBytes: memoryMib << 20)
    if kills > 0 { try await KillRun(launcher: launcher, blocks: blocks).run(kills: kills) }
    if minutes > 0 { try await SoakRun(launcher: launcher, blocks: blocks).run(minutes: minutes) }
  }
}
