import ArgumentParser
import SegmentStore

/// `segment-benchmark read`: reads a store in the order of writing.
struct ReadCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "read",
    abstract: "Read and check all blocks of a store from one thread, and print MB/s."
  )

  @OptionGroup var store: BenchmarkStore

  @Option(help: "How: ring, blocking or automatic.")
  var reading = "automatic"

  @Option(help: "Reads at once; 0 reads block by block without a queue.")
  var depth = 8

  @Option(help: "Blocks that were written.")
  var blocks = 4000

  @Flag(help: "In any order instead.")
  var shuffled = false

  func run() throws {
    guard let reading = SegmentDirectory.Reading(rawValue: reading) else {
      throw ValidationError("reading must be ring, blocking or automatic")
    }
    let segments = try store.open(reading: reading)
    var keys = (0..<blocks).map(BenchmarkStore.key)
    if shuffled { keys.shuffle() }
    var found = 0
    let time = try ContinuousClock().measure {
      if depth > 0 {
        var queue = segments.makeReadQueue(depth: depth)
        found = segments.read(keys, with: &queue) { _, _ in }
      } else {
        var buffer = segments.makeBuffer()
        for key in keys where try segments.read(key, into: &buffer) != nil { found += 1 }
      }
    }
    guard found == blocks else { throw ValidationError("only \(found) blocks were read") }
    print(Int((Double(blocks * store.blockBytes) / 1e6 / time.seconds).rounded()))
  }
}
