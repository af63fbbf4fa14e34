import ArgumentParser
import Kernels
import MeshTypes
import ModelFiles
import Transformer

/// Measures what the machine can do and what the kernels make of it, in one run.
///
/// Every number is the fastest of some short measurements: what others on the machine do makes some
/// slower, and none faster.
struct RooflineBenchmark: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "roofline",
    abstract: "Print the kernels' speed as fractions of the machine's limits."
  )

  @Argument(help: "A model: a GGUF file.")
  var model: String

  @Option(help: "Compute threads.")
  var threads = 2

  @Option(help: "Seconds for which each line is measured again and again; the fastest time counts.")
  var seconds = 0.5

  private static let rowCounts = [1, 4, 8, 16, 32, 64, 256, 512]
  private static let contexts = [512, 2000, 8000]
  /// Rows of one sequence, and the position of the first.
  private static let prefills = [(512, 0), (512, 1536)]

  func run() throws {
    let file = try GGUFFile(path: model)
    let configuration = try ModelConfiguration(file: file)
    let engine = try KernelEngine(threadCount: threads)
    let name = engine.instructionSetName
    let limits = MachineLimits(instructionSet: name, threads: threads, seconds: seconds)
    report(limits, MachineLimits(instructionSet: name, threads: 1, seconds: seconds), name)
    try reportProducts(file, configuration, engine, limits)
    for type in KVType.allCases { try reportAttention(configuration, type, engine, limits) }
    try reportDecode(file, limits)
  }

  private func report(_ limits: MachineLimits, _ single: MachineLimits, _ name: String) {
    print(
      "limits, \(name)".padded(to: 30) + "  1 thread"
        + "\(threads) threads".padded(to: 12, before: true)
    )
    func line(_ name: String, _ value: (MachineLimits) -> Double) {
      print(name.padded(to: 30) + giga(value(single)) + "  " + giga(value(limits)))
    }
    line("reading memory, GB/s", \.read)
    line("8-bit products, Gop/s", \.int8)
    line("f32 products, Gop/s", \.f32)
  }

  // MARK: Matrix products

  private func reportProducts(
    _ file: GGUFFile,
    _ configuration: ModelConfiguration,
    _ engine: KernelEngine,
    _ limits: MachineLimits
  ) throws {
    let tensor = try file.tensor(named: "blk.0.ffn_gate.weight")
    let products = try LayerProducts(
      configuration,
      type: tensor.type,
      rowCapacity: Self.rowCounts.max() ?? 1,
      engine: engine
    )
    print("\nmatrices of all layers, \(tensor.type), \(products.byteCount / 1_000_000) MB packed")
    print("rows".padded(to: 20) + "     Gop/s  of peak      GB/s  of peak")
    for rowCount in Self.rowCounts {
      let seconds = fastest { products.multiply(rowCount: rowCount) }
      let operations = products.operations(rowCount: rowCount) / seconds
      let bytes = Double(products.byteCount) / seconds
      print(
        "\(rowCount)".padded(to: 20) + giga(operations) + share(operations, of: limits.int8)
          + giga(bytes) + share(bytes, of: limits.read)
      )
    }
  }

  // MARK: Attention

  private func reportAttention(
    _ configuration: ModelConfiguration,
    _ type: KVType,
    _ engine: KernelEngine,
    _ limits: MachineLimits
  ) throws {
    let attention = try LayerAttention(
      configuration,
      type: type,
      positionCapacity: (Self.contexts.max() ?? 0) + LayerAttention.rowCapacity,
      engine: engine
    )
    print("\nattention of all layers, keys and values in \(type)")
    print("work".padded(to: 20) + "     Gop/s  of peak      GB/s  of peak")
    for (rowCount, position) in Self.prefills + Self.contexts.map({ (1, $0) }) {
      let seconds = fastest { attention.attend(rowCount: rowCount, firstPosition: position) }
      let operations =
        attention.operations(rowCount: rowCount, firstPosition: position) / seconds
      let bytes = attention.byteCount(positionCount: position + rowCount) / seconds
      print(
        "\(rowCount) at \(position)".padded(to: 20) + giga(operations)
          + share(operations, of: limits.f32)
          + (rowCount == 1 ? giga(bytes) + share(bytes, of: limits.read) : "")
      )
    }
  }

  // MARK: Decoding

  /// A token of one sequence against reading all weights, and its keys and values, once.
  private func reportDecode(_ file: GGUFFile, _ limits: MachineLimits) throws {
    print("\ndecoding, batch 1".padded(to: 21) + "  tokens/s     floor  of floor")
    for type in KVType.allCases {
      let runner = try ModelRunner(
        file: file,
        settings: RunnerSettings(blockCount: 512, threadCount: threads, kvType: type)
      )
      let table = (0..<UInt32(512)).map { BlockID($0) }
      for position in [64] + Self.contexts where position < runner.configuration.contextLength {
        let slice = SequenceSlice(tokenIDs: [1], startPosition: position, blockTable: table)
        _ = try runner.step([slice])
        let seconds = fastest { _ = try? runner.step([slice]) }
        let bytes =
          runner.weightsByteCount + runner.kvMemory.layout.blockByteCount * (position + 1) / 16
        let floor = limits.read / Double(bytes)
        print(
          "\(type), at \(position)".padded(to: 20) + column(1 / seconds) + column(floor)
            + share(1 / seconds, of: floor)
        )
      }
    }
  }

  // MARK: Measuring and printing

  /// Seconds of the fastest call, of at least three.
  private func fastest(_ body: () -> Void) -> Double {
    let clock = ContinuousClock()
    let end = clock.now + .seconds(seconds)
    var fastest = Double.infinity, count = 0
    while count < 3 || clock.now < end {
      fastest = min(fastest, clock.measure(body).seconds)
      count += 1
    }
    return fastest
  }

  private func column(_ value: Double) -> String {
    "\(Int(value.rounded()))".padded(to: 10, before: true)
  }

  private func giga(_ value: Double) -> String {
    "\((value / 1e8).rounded() / 10)".padded(to: 10, before: true)
  }

  private func share(_ value: Double, of limit: Double) -> String {
    "\(Int((100 * value / limit).rounded())) %".padded(to: 9, before: true)
  }
}
