import ArgumentParser

@main
struct EngineBenchmark: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "engine-benchmark",
    abstract: "Measure the engine by itself.",
    subcommands: [SpeedBenchmark.self, KVBenchmark.self, RooflineBenchmark.self],
    defaultSubcommand: SpeedBenchmark.self
  )
}
