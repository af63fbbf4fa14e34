import ArgumentParser
import Scheduling
import Simulation

/// The workers, and how they are chosen.
struct SimulatedMeshOptions: ParsableArguments {
  /// What a worker computes on.
  enum Engine: String, ExpressibleByArgument, CaseIterable {
    /// SmolLM2-135M on two cores, as measured.
    case smollm2
    /// 70 billion parameters on eight GPUs, as calculated.
    case large
  }

  @Option(help: "Workers; 1 to 4096.")
  var workers = 4

  @Option(help: "KV blocks of each worker.")
  var blocks = 2048

  @Option(help: "Tokens in a block.")
  var blockSize = 16

  @Option(help: "The longest sequence of a worker.")
  var contextTokens = 2048

  @Option(help: "The most positions in one step.")
  var batchTokens = 512

  @Option(help: "The most sequences in one step.")
  var batchSequences = 32

  @Option(help: "How fast workers are: smollm2 or large.")
  var engine = Engine.smollm2

  @Option(help: "How workers are chosen: cache-aware, least-load or random.")
  var routing = SchedulerSettings.Routing.leastCost

  @Flag(help: "Let workers share a KV store.")
  var store = false

  @Option(help: "Bytes of a token's keys and values in the store; the engine's by default.")
  var tokenBytes: Int?

  @Option(help: "KV blocks of the store.")
  var storeBlocks = 1 << 20

  @Option(help: "Bytes a second between the store and each worker, in 10⁹.")
  var storeRate = 1.0

  @Option(help: "Tokens that a worker guesses for a sequence in one step; 0: none.")
  var speculativeTokens = 0

  @Option(help: "The most sequences of a worker that guesses.")
  var speculativeSequences = 4

  @Option(help: "How often a guess is right, if those before it are; 0 to 1.")
  var acceptance = 0.75

  @Option(help: "Faults at random times: crashes, hangs, silence, restarts.")
  var faults = 0

  @Option(help: "Events between two checks of the scheduler's invariants.")
  var checkEvery = 1000

  func validate() throws {
    guard (1...4096).contains(workers) else {
      throw ValidationError("--workers must be in 1...4096, got \(workers)")
    }
    guard storeRate > 0, storeRate.isFinite else {
      throw ValidationError("--store-rate must be greater than 0, got \(storeRate)")
    }
    let mostGuesses = SchedulerSettings.draftTokensLimit
    guard (0...mostGuesses).contains(speculativeTokens) else {
      throw ValidationError(
        "--speculative-tokens must be in 0...\(mostGuesses), got \(speculativeTokens)"
      )
    }
    guard (0...1).contains(acceptance) else {
      throw ValidationError("--acceptance must be in 0...1, got \(acceptance)")
    }
    guard blocks >= 1, blockSize >= 1, contextTokens >= 2, batchTokens >= 1, batchSequences >= 1,
      speculativeSequences >= 1, storeBlocks >= 1, tokenBytes ?? 1 >= 1, faults >= 0,
      checkEvery >= 1
    else { throw ValidationError("sizes must be at least 1") }
  }

  /// Bytes of one token's keys and values in the store.
  var storeTokenBytes: Int {
    if let tokenBytes { return tokenBytes }
    return switch engine {
    case .smollm2: 23_040
    case .large: 327_680
    }
  }

  func apply(to scenario: inout SimulationScenario) {
    scenario.settings.maxPrefillTokensPerSequencePerStep = max(1, batchTokens / 2)
    scenario.settings.routing = routing
    scenario.settings.usesStore = store
    scenario.settings.maxDraftTokens = speculativeTokens
    scenario.settings.maxSpeculatingSequences = speculativeSequences
    scenario.guesses.acceptance = acceptance
    scenario.settings.maxWaitingSequences = max(1024, scenario.requests.count)
    scenario.store.capacityBlocks = storeBlocks
    scenario.store.bytesPerSecond = storeRate * 1e9
    switch engine {
    case .smollm2: scenario.stepTime = .smolLM2OnTwoCores
    case .large: scenario.stepTime = .seventyBillionOnEightGPUs
    }
    scenario.workers = (0..<workers).map { number in
      .simulated(
        number,
        blockCount: blocks,
        blockSizeTokens: blockSize,
        maxBatchTokens: batchTokens,
        maxBatchSequences: batchSequences,
        maxContextTokens: contextTokens,
        storeBlockBytes: store ? storeTokenBytes * blockSize : 0
      )
    }
    scenario.changesBetweenChecks = checkEvery
    scenario.addFaults(faults)
  }
}

extension SchedulerSettings.Routing: ExpressibleByArgument {}
