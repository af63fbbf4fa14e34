import CAllocationCounter
import Glibc
import Kernels
import MeshTypes
import ModelFiles
import TestSupport
import Transformer

/// Profiles a runner, runs steps of all shapes on it, samples from them, and prints how often memory was
/// allocated in these steps, and how often a page was touched for the first time, by any thread of this
/// process: `step-probe MODEL SEED STEPS [allocate]`.
///
/// A process of its own, because it replaces malloc. With `allocate` it allocates a mebibyte itself, to
/// show that this is noticed.
@main
struct StepProbe {
  private static var faultCount: Int {
    var usage = rusage()
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    return usage.ru_minflt
  }

  private static func countAfterAllocating(_ byteCount: Int) -> UInt64 {
    let bytes = [UInt8](repeating: 1, count: byteCount)
    return withExtendedLifetime(bytes) { allocation_count() }
  }

  static func main() throws {
    let arguments = CommandLine.arguments
    guard arguments.count >= 4, let seed = UInt64(arguments[2]), let steps = Int(arguments[3])
    else {
      fatalError("usage: step-probe MODEL SEED STEPS [allocate]")
    }
    let runner = try ModelRunner(
      file: try GGUFFile(path: arguments[1]),
      settings: RunnerSettings(blockCount: 64, maxBatchTokens: 96, threadCount: 3)
    )
    // As a worker's start does; and some steps, as the language's runtime looks types up once.
    _ = try runner.profile { (steps) throws(MeshError) in
      try steps()
      return 1
    }
    var load = RandomLoad(runner: runner, seed: seed)
    for _ in 0..<20 { try load.step() }
    let before = allocation_count(), faultsBefore = faultCount
    for _ in 0..<steps { try load.step() }
    let after = arguments.count > 4 ? countAfterAllocating(1 << 20) : allocation_count()
    print(
      "allocations \(after - before), faults \(faultCount - faultsBefore), tokens \(load.sampledCount)"
    )
  }
}
