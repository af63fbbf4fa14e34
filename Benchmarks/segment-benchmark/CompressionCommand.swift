import ArgumentParser
import SegmentStore

/// `segment-benchmark compression`: what zstd makes of a model's real blocks.
struct CompressionCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compression",
    abstract: "Compress the KV blocks that a model computes for a text."
  )

  @Argument(help: "A GGUF file.")
  var model: String

  @Argument(help: "A text file.")
  var text: String

  @Option(help: "Blocks of 16 tokens, at most.")
  var blocks = 128

  func run() throws {
    let halves = try ModelBlocks.compute(model: model, text: text, count: blocks)
    let bytes = halves.map(ModelBlocks.quantised)
    print("\(halves.count) blocks of \(halves.first?.count ?? 0) bytes (f16),")
    print("of \(bytes.first?.count ?? 0) (8 bits, a scale for 32 values)")
    print("payload  compression    stored   kept   compress MB/s   decompress MB/s")
    for (name, payloads) in [("f16", halves), ("8 bits", bytes)] {
      for level in Compression.levels {
        for compression in [Compression.zstd(level: level), .zstdPlanes(level: level)] {
          report(name, CompressionRun(compression, payloads))
        }
      }
    }
  }

  private func report(_ name: String, _ run: CompressionRun) {
    func column(_ text: String, _ width: Int) -> String {
      String(repeating: " ", count: max(0, width - text.count)) + text
    }
    func percent(_ part: Double) -> String { "\((part * 1000).rounded() / 10) %" }
    print(
      column(name, 7) + column("\(run.compression)", 15) + column(percent(run.ratio), 8)
        + column(percent(run.keptShare), 8)
        + column("\(Int(run.compressMegabytesPerSecond))", 12)
        + column("\(Int(run.decompressMegabytesPerSecond))", 16)
    )
  }
}
