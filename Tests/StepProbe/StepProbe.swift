import CAllocationCounter
import Kernels
import MeshTypes
import ModelFiles
import TestSupport
import Transformer

/// Runs steps of all shapes on a model, samples from them, and prints how often memory was allocated
/// meanwhile by any thread of this process: `step-probe MODEL SEED STEPS [allocate]`.
///
/// A process of its own, because it replaces malloc. With `allocate` it allocates once itself, to show
/// that this is noticed.
@main
struct StepProbe {
  private static func countAfterAllocating(_ byteCount: Int) -> UInt64 {
    let bytes = [UInt8](repeating: 0, count: byteCount)
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
    var load = RandomLoad(runner: runner, seed: seed)
    // As a worker's start does: the language's runtime looks types up once.
    for _ in 0..<20 { try load.step() }
    let before = allocation_count()
    for _ in 0..<steps { try load.step() }
    let after = arguments.count > 4 ? countAfterAllocating(steps) : allocation_count()
    print("allocations \(after - before), tokens \(load.sampledCount)")
  }
}
