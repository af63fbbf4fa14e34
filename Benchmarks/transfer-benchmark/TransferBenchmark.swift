import ArgumentParser
import GRPCCoreTransport
import MeshTypes
import Scheduling
import TestSupport

/// Whether the scheduler's cost model takes the faster way to a prefix that the KV store has: a real
/// worker fetches it from a real store, whose tiers are slowed down, and computes it as well.
@main
struct TransferBenchmark: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "transfer-benchmark",
    abstract: "Print how often the faster of fetching and recomputing was chosen."
  )

  /// Positions of a step.
  static let chunk = 256
  /// A block's bytes in the store, the worker's seal included.
  static let blockBytes = 368_640 + 32
  private static let lengths = [64, 128, 256, 512, 1024, 2048, 4096, 8192]
  /// Blocks that are stored at once: fewer than a worker stages and a store queues for its disk.
  private static let batch = 128

  @Argument(help: "A GGUF file.")
  var model: String

  @Argument(help: "An empty directory for sockets and segments.")
  var directory: String

  @Option(help: "Compute threads.")
  var threads = 2

  @Option(help: "Computations of each length.")
  var computations = 5

  @Option(help: "Cases of each length, tier and limit.")
  var samples = 3

  @Option(help: "Limits of both tiers in MB/s, after no limit.")
  var limits = [400, 100, 40, 25, 15, 10]

  @Option(help: "The tiers: memory, disk.")
  var tiers = ["memory", "disk"]

  @Option(help: "Loads before the first case of a tier and a limit.")
  var warm = 4

  @Option(help: "Decides the order.")
  var seed: UInt64 = 1

  @Flag(inversion: .prefixedNo, help: "Ask the store as the scheduler does: bring it to memory.")
  var prefetch = true

  /// What is measured with every variant of the store.
  struct Cases {
    var warmUp: [Sample]
    var samples: [Sample]
    var prefetch: Bool
  }

  func run() async throws {
    let cases = Cases(
      warmUp: (0..<warm).map { Sample(tokens: Self.lengths[$0 % 5], series: 10_000 + UInt64($0)) },
      samples: (0..<samples).flatMap { round in
        Self.lengths.map { Sample(tokens: $0, series: UInt64(100 * (round + 1) + $0)) }
      },
      prefetch: prefetch
    )
    let store = TransportAddress.unix(path: "\(directory)/store.sock")
    let worker = TransportAddress.unix(path: "\(directory)/worker.sock")
    let arguments = [
      "--model", model, "--listen", "\(worker)", "--threads", "\(threads)", "--kv-blocks", "1040",
      "--scheduler", "unix:\(directory)/none.sock", "--kvstores", "\(store)",
    ]
    print("seed \(seed), \(threads) threads, prefetch \(prefetch ? "on" : "off")")
    try await ChildProcess.with("weft-worker", arguments) {
      try await WorkerLink.with(worker) { try await measure(cases, $0, store) }
    }
  }

  private func measure(
    _ cases: Cases,
    _ worker: WorkerLink,
    _ store: TransportAddress
  ) async throws {
    var random = SeededGenerator(seed: seed)
    let computations = try await compute(with: worker, using: &random)
    Report.show(computations: computations, lengths: Self.lengths)
    try await StoreProcess.with(at: store, StoreProcess.diskArguments(directory: segments)) {
      try await fill($0, cases.warmUp + cases.samples + [.connecting], worker, isDisk: true)
    }
    var all: [(StoreVariant, Case)] = []
    for variant in tiers.map({ $0 == "disk" ? StoreTier.disk : .memory }).flatMap({ tier in
      ([nil] + limits).map { StoreVariant(tier: tier, limit: $0) }
    }) {
      let arguments = variant.arguments(directory: segments)
      let outcome = try await StoreProcess.with(at: store, arguments) { process in
        if variant.tier == .memory {
          try await fill(process, [.shared], worker, isDisk: false)
        }
        var run = VariantRun(
          variant: variant,
          store: process,
          worker: worker,
          computations: computations,
          options: cases
        )
        return try await run.run(using: &random)
      }
      Report.show(variant, outcome)
      all += outcome.map { (variant, $0) }
    }
    Report.show(all)
  }

  private var segments: String { "\(directory)/segments" }

  private func compute(
    with worker: WorkerLink,
    using random: inout some RandomNumberGenerator
  ) async throws -> Computations {
    var computations = Computations()
    _ = try await worker.compute(tokens: 512, chunk: Self.chunk)
    for _ in 0..<self.computations {
      for tokens in Self.lengths.shuffled(using: &random) {
        computations.add(try await worker.compute(tokens: tokens, chunk: Self.chunk))
      }
    }
    return computations
  }

  /// Has the worker put the blocks of samples into a store.
  private func fill(
    _ store: StoreProcess,
    _ samples: [Sample],
    _ worker: WorkerLink,
    isDisk: Bool
  ) async throws {
    var stored = 0
    for sample in samples {
      let keys = sampleKeys(sample.blocks, series: sample.series)
      for start in stride(from: 0, to: keys.count, by: Self.batch) {
        let part = Array(keys[start..<min(start + Self.batch, keys.count)])
        try await store.waitUntilStored(part) { try await worker.put(part) }
        stored += part.count
        if isDisk { try await store.waitForDisk(blocks: stored) }
      }
    }
  }
}
