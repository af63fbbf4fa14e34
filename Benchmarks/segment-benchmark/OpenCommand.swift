import ArgumentParser
import SegmentStore

/// `segment-benchmark open`: rebuilds the index.
struct OpenCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "open",
    abstract: "Open a store and print its bytes, its records, the seconds, and those for 10 GB."
  )

  @OptionGroup var store: BenchmarkStore

  func run() throws {
    var segments: SegmentStore?
    let time = try ContinuousClock().measure { segments = try store.open() }
    guard let statistics = segments?.statistics else { return }
    let per10GB = time.seconds * 1e10 / Double(max(1, statistics.occupiedBytes))
    func milliseconds(_ seconds: Double) -> Double { (seconds * 1000).rounded() / 1000 }
    print(
      statistics.occupiedBytes,
      statistics.records,
      milliseconds(time.seconds),
      milliseconds(per10GB)
    )
  }
}

/// `segment-benchmark unseal`: makes the next open read every header.
struct UnsealCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "unseal",
    abstract: "Cut the seals of all segments off, as losses of power could."
  )

  @OptionGroup var store: BenchmarkStore

  func run() throws {
    let directory = try SegmentDirectory(path: store.directory)
    var scanner = SegmentScanner()
    for name in try directory.fileNames() {
      guard let id = SegmentHeader.id(ofFileName: name) else { continue }
      let file = try directory.open(name)
      guard let contents = try scanner.contents(of: file, id: id) else { continue }
      try file.truncate(to: contents.end)
    }
  }
}
