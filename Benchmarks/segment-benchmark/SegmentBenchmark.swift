import ArgumentParser

/// Measures the SSD tier of the KV store by itself.
@main
struct SegmentBenchmark: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "segment-benchmark",
    abstract: "Measure the SSD tier: dev/bench-segments runs it next to fio.",
    subcommands: [
      WriteCommand.self, ReadCommand.self, OpenCommand.self, UnsealCommand.self,
      CompressionCommand.self,
    ]
  )
}

extension Duration {
  var seconds: Double { self / .seconds(1) }
}
