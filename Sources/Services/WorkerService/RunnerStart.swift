import Kernels
import Logging
import MeshTypes
import ModelFiles
import Transformer

/// Brings a runner up on this machine: threads and memory where they belong, one dummy step that takes
/// all memory that steps will need, and then as much KV memory as is left for it.
struct RunnerStart {
  let settings: EngineSettings
  let weights: WeightsSettings
  var files = SystemFiles()

  /// What was measured.
  struct Outcome {
    var runner: ModelRunner
    var speed: SpeedProfile
  }

  /// - Throws: ``MeshError`` `resourceExhausted` if memory does not suffice, and what the runner
  ///   throws.
  func run(_ file: any ModelSource, logger: Logger) throws(MeshError) -> Outcome {
    let plan = try ThreadPlan(
      threadCount: settings.threads,
      pinning: settings.pinning,
      topology: CPUTopology(files)
    )
    plan.apply()
    var runnerSettings = RunnerSettings(
      blockCount: 1,
      blockSizeTokens: EngineSettings.blockSizeTokens,
      maxBatchTokens: settings.maxBatchTokens,
      maxLogitsRows: settings.maxBatchSequences,
      maxSlices: settings.maxBatchSequences,
      threadCount: settings.threads,
      pins: plan.pins,
      kvType: settings.kvType
    )
    runnerSettings.blockCount = runnerSettings.profilingBlockCount
    var log = LoadingLog(logger: logger)
    let runner = try ModelRunner(
      file: file,
      settings: runnerSettings,
      weightsSettings: weights
    ) { log.report($0) }
    let residentBytes = residentBytes, profileStart = ContinuousClock.now
    let speed = try runner.profile { (steps) throws(MeshError) in
      let start = ContinuousClock.now
      try steps()
      return max(1e-9, (.now - start) / .seconds(1))
    }
    let profileSeconds = (.now - profileStart) / .seconds(1)
    let activationBytes = max(0, self.residentBytes - residentBytes)
    try resizeKVMemory(of: runner)
    logger.info(
      "engine ready",
      metadata: [
        "kernels": "\(runner.instructionSetName)", "threads": "\(settings.threads)",
        "pinned": "\(plan.pins.map { "\($0)" } ?? "no")", "memory": "\(plan.memory)",
        "activation-mib": "\(activationBytes >> 20) of \(runner.activationByteCount >> 20)",
        "kv-mib": "\((runner.kvMemory.blockCount * runner.kvMemory.layout.blockByteCount) >> 20)",
        "profile-seconds": "\(profileSeconds)",
        "prefill-tokens-per-second": "\(Int(speed.prefillTokensPerSecond))",
        "decode-tokens-per-second": "\(Int(speed.decodeTokensPerSecond))",
      ]
    )
    return Outcome(runner: runner, speed: speed)
  }

  private func resizeKVMemory(of runner: ModelRunner) throws(MeshError) {
    let minimumTokens = min(settings.maxBatchTokens, runner.configuration.contextLength)
    let plan = KVMemoryPlan(
      settings: settings,
      blockBytes: runner.kvMemory.layout.blockByteCount,
      minimumBlocks: (minimumTokens - 1) / EngineSettings.blockSizeTokens + 1
    )
    // Gives the dummy steps' blocks back before what is left is counted.
    try runner.replaceKVMemory(blockCount: 1)
    let blockCount = try plan.blockCount(within: MemoryLimit.all(files))
    try runner.replaceKVMemory(blockCount: blockCount)
  }

  /// Memory of this process that is no file's.
  private var residentBytes: Int {
    files.text("/proc/self/status").flatMap { KernelText.number(after: "RssAnon:", in: $0) } ?? 0
  }
}
