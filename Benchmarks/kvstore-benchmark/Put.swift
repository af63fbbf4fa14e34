import ArgumentParser
import GRPCCore

/// Writes blocks under ever new keys.
struct Put: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Print how many MB a second Put takes."
  )

  @OptionGroup var options: ClientOptions

  func run() async throws {
    let samples = SampleBlocks(count: options.blocks, blockBytes: options.blockBytes)
    let series = UInt64.random(in: 2 ... .max)
    try await withStore(options) { client in
      var next = 0
      let bytesPerSecond = try await rate(seconds: options.seconds) {
        try await put(
          next..<next + samples.count,
          of: samples,
          series: series,
          computesChecksums: options.checksums,
          options,
          client
        )
        next += samples.count
        return samples.count * samples.blockBytes
      }
      print("put", Int(bytesPerSecond / 1e6))
    }
  }
}
