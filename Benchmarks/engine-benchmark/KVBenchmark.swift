import ArgumentParser
import Kernels
import MeshTypes
import ModelFiles
import Transformer

/// Measures decoding of one sequence with long contexts, with keys and values in f16 and in 8 bits.
struct KVBenchmark: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "kv",
    abstract: "Print the speed of decoding at long contexts, for each type of keys and values."
  )

  @Argument(help: "A model: a GGUF file.")
  var model: String

  @Option(help: "Compute threads.")
  var threads = 2

  @Option(help: "Runs of each line, the types in turn.")
  var runs = 7

  @Option(help: "Positions before the tokens that are measured.")
  var contexts = [64, 2000, 8000]

  @Option(help: "Sequences that are decoded together.")
  var batch = 1

  @Option(help: "Leading positions whose blocks all sequences share.")
  var shared = 0

  private static let steps = 16

  func run() throws {
    let file = try GGUFFile(path: model)
    let blockCount = batch * ((contexts.max() ?? 0) + Self.steps) / 16 + batch
    let runners = try KVType.allCases.map { type in
      try ModelRunner(
        file: file,
        settings: RunnerSettings(blockCount: blockCount, threadCount: threads, kvType: type)
      )
    }
    for runner in runners {
      let layout = runner.kvMemory.layout
      print("\(layout.type): \(layout.blockByteCount) bytes in a block of 16 tokens")
    }
    print("decode at           type     tokens/s   slowest   fastest")
    for context in contexts where context + Self.steps <= runners[0].configuration.contextLength {
      var speeds = runners.map { _ in [Double]() }
      for run in 0...runs {
        for (index, runner) in runners.enumerated() {
          let speed = try decode(at: context, runner)
          if run > 0 { speeds[index].append(speed) }
        }
      }
      for (runner, speeds) in zip(runners, speeds) {
        let name = "position \(context)".padded(to: 20) + "\(runner.kvMemory.layout.type)"
        print(ReportLine(name, of: speeds))
      }
    }
  }

  /// Tokens per second. What is in the blocks does not matter to that, so nothing is prefilled.
  private func decode(at context: Int, _ runner: ModelRunner) throws -> Double {
    let blocks = UInt32((context + Self.steps - 1) / 16 + 1)
    let tables = (0..<UInt32(batch)).map { index in
      (0..<blocks).map { block in BlockID(block < shared / 16 ? block : index * blocks + block) }
    }
    let duration = try ContinuousClock().measure {
      for step in 0..<Self.steps {
        _ = try runner.step(
          tables.map {
            SequenceSlice(
              tokenIDs: [TokenID(step + 1)],
              startPosition: context + step,
              blockTable: $0
            )
          }
        )
      }
    }
    return Double(batch * Self.steps) / duration.seconds
  }
}
