import ArgumentParser
import SegmentStore

/// `segment-benchmark write`: fills a new store.
struct WriteCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "write",
    abstract: "Write blocks to a new store, make them durable, and print MB/s."
  )

  @OptionGroup var store: BenchmarkStore

  @Option(help: "Blocks to write.")
  var blocks = 4000

  func run() throws {
    let segments = try store.open()
    let keys = (0..<blocks).map(BenchmarkStore.key)
    // No two alike, and not to be compressed by whatever lies below.
    var payload = (0..<store.blockBytes).map { _ in UInt8.random(in: 0...255) }
    let time = try ContinuousClock().measure {
      for (number, key) in keys.enumerated() {
        payload[number % payload.count] &+= 1
        guard try segments.insert(key, payload.span.bytes) == .stored else {
          throw ValidationError("block \(number) was not stored: the disk is full or fails")
        }
      }
      try segments.sync()
    }
    print(Int((Double(blocks * store.blockBytes) / 1e6 / time.seconds).rounded()))
  }
}
