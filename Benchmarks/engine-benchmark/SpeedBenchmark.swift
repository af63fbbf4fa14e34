import ArgumentParser
import Kernels
import MeshTypes
import ModelFiles
import Transformer

/// Measures a model's forward pass by itself: prefill of one prompt, and decode at some batch sizes.
struct SpeedBenchmark: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "speed",
    abstract: "Print the engine's speed on a model, and that of formats of its blocks."
  )

  @Argument(help: "A GGUF file.")
  var model: String

  @Option(help: "Compute threads.")
  var threads = 2

  @Option(help: "Runs of each line; the median is printed, with the slowest and the fastest.")
  var runs = 5

  @Option(help: "Whose kernels run: best, portable, avx2, avx512, neon or neonDotProducts.")
  var instructionSet = KernelEngine.InstructionSet.best

  @Option(help: "Folder of packed weights; by default they are packed into memory.")
  var weightsCache: String?

  @Option(help: "Memory for weights in MiB; layers beyond it are read in every step.")
  var weightsMemoryMib: Int?

  private static let prefillLengths = [128, 512, 2048]
  private static let decodeBatches = [1, 16, 32]
  private static let decodeSteps = 32
  private static let contextTokens = 64

  func run() throws {
    let clock = ContinuousClock()
    let file = try GGUFFile(path: model)
    var runner: ModelRunner?
    let load = try clock.measure {
      runner = try ModelRunner(
        file: file,
        settings: RunnerSettings(
          blockCount: 512,
          threadCount: threads,
          instructionSet: instructionSet
        ),
        weightsSettings: WeightsSettings(
          cacheFolder: weightsCache,
          memoryByteLimit: weightsMemoryMib.map { $0 << 20 }
        )
      )
    }
    guard let runner else { return }
    print("\(model.split(separator: "/").last ?? ""), \(threads) threads, load \(load)")
    print(
      "weights \(runner.weightsByteCount >> 20) MiB, \(runner.weightsOrigin), "
        + "\(runner.residentLayerCount) of \(runner.configuration.layerCount) layers in memory"
    )
    print("work".padded(to: 28) + "  tokens/s   slowest   fastest")
    for length in Self.prefillLengths where length <= runner.configuration.contextLength {
      try report("prefill \(length)") {
        Double(length) / (try clock.measure { try prefill(length, runner) }).seconds
      }
    }
    for batch in Self.decodeBatches {
      var tables: [[BlockID]] = []
      let blocks = (Self.contextTokens + Self.decodeSteps) / 16 + 1
      for index in 0..<batch {
        tables.append((0..<blocks).map { BlockID(UInt32(index * blocks + $0)) })
        try prefill(Self.contextTokens, runner, table: tables[index])
      }
      try report("decode, batch \(batch)") {
        let time = try clock.measure { try decode(tables, runner) }
        return Double(batch * Self.decodeSteps) / time.seconds
      }
    }
    try reportFormats(of: runner.kvMemory.blocks)
    try reportGuesses()
  }

  /// How long it takes to find that nothing in a text is like its end, where its last token is common.
  private func reportGuesses() throws {
    let clock = ContinuousClock()
    let count = 100
    print("guesses, 1/s".padded(to: 28) + "    median   slowest   fastest")
    for length in [512, 8192] {
      var text = (0..<length).map { TokenID($0 % 10 == 0 ? 0 : $0 * 7919 % 49_152) }
      text[length - 1] = 0
      var guessed = 0
      try report("text of \(length)") {
        Double(count)
          / clock.measure {
            for _ in 0..<count { guessed += PromptLookup.extend(&text, by: 8) }
          }.seconds
      }
      precondition(guessed == 0, "nothing is like the end")
    }
  }

  /// How fast one thread converts blocks on their way to the KV store and back.
  private func reportFormats(of blocks: KVBlocks) throws {
    let clock = ContinuousClock()
    let count = 64
    let megabytes = Double(count * blocks.blockByteCount) / 1_000_000
    print(
      "blocks of \(blocks.blockByteCount) bytes".padded(to: 28) + "      MB/s   slowest   fastest"
    )
    for format in KVBlockFormat.allCases {
      let byteCount = format.byteCount(ofBlock: blocks.blockByteCount)
      var stored = [UInt8](repeating: 0, count: byteCount)
      try report("to \(format), \(byteCount)") {
        megabytes
          / clock.measure {
            for block in 0..<UInt32(count) {
              var span = stored.mutableSpan
              var room = span.mutableBytes
              blocks.read(BlockID(block)) { format.encode($0, to: &room) }
            }
          }.seconds
      }
      try report("from \(format)") {
        megabytes
          / clock.measure {
            for block in 0..<UInt32(count) {
              blocks.write(BlockID(block)) { format.decode(stored.span.bytes, to: &$0) }
            }
          }.seconds
      }
    }
  }

  private func prefill(_ length: Int, _ runner: ModelRunner, table: [BlockID]? = nil) throws {
    let table = table ?? (0..<UInt32(length / 16 + 1)).map { BlockID($0) }
    var start = 0
    while start < length {
      let end = min(length, start + runner.settings.maxBatchTokens)
      let ids = (start..<end).map { TokenID($0 * 7919 % runner.configuration.vocabularySize) }
      _ = try runner.step([
        SequenceSlice(
          tokenIDs: ids,
          startPosition: start,
          blockTable: table,
          logits: end == length ? .lastToken : .none
        )
      ])
      start = end
    }
  }

  private func decode(_ tables: [[BlockID]], _ runner: ModelRunner) throws {
    for step in 0..<Self.decodeSteps {
      _ = try runner.step(
        tables.map { table in
          SequenceSlice(
            tokenIDs: [TokenID(step + 1)],
            startPosition: Self.contextTokens + step,
            blockTable: table
          )
        }
      )
    }
  }

  private func report(_ name: String, _ measure: () throws -> Double) throws {
    _ = try measure()
    print(ReportLine(name, of: try (0..<runs).map { _ in try measure() }))
  }
}

extension KernelEngine.InstructionSet: ExpressibleByArgument {}
