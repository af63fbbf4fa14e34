import ArgumentParser

/// Measures the store's wire: `serve` in one process, one of the others in a second one.
@main
struct KVStoreBenchmark: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "kvstore-benchmark",
    abstract: "Measure how fast blocks and lookups go through a KV store.",
    subcommands: [Serve.self, Get.self, Put.self, Lookup.self]
  )
}

/// What all measuring commands take.
struct ClientOptions: ParsableArguments {
  @Option(help: "The store: HOST:PORT or unix:PATH. weft-kvstore, or what `serve` runs.")
  var serverAddress: String

  @Option(help: "A block's bytes.")
  var blockBytes = 368_640

  @Option(help: "Blocks that are read or written in turn.")
  var blocks = 256

  @Option(help: "How long to measure, after a fifth of it to warm up.")
  var seconds = 2.0

  @Option(help: "The namespace of the blocks.")
  var namespace = "benchmark"

  @Flag(inversion: .prefixedNo, help: "Compute and compare checksums in this process.")
  var checksums = true
}
