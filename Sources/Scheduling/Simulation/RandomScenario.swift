import Scheduling

/// Small scenarios in which everything happens that can happen.
extension SimulationScenario {
  /// A few workers, some tens of requests and all kinds of faults, chosen by the seed.
  package static func random(seed: UInt64) -> Self {
    var generator = SimulationGenerator(seed: seed)
    var scenario = Self(seed: generator.next())
    let blockSize = [1, 2, 4, 16].randomElement(using: &generator) ?? 4
    let hasStore = Bool.random(using: &generator)
    scenario.settings = settings(hasStore: hasStore, &generator)
    scenario.workers = workers(blockSize: blockSize, hasStore: hasStore, &generator)
    scenario.guesses.hasAnyLength = Bool.random(using: &generator)
    scenario.guesses.acceptance = [0, 0.5, 0.75, 1].randomElement(using: &generator) ?? 0.75
    scenario.tellsDeadlines = Bool.random(using: &generator)
    scenario.network.jitterMicroseconds = [1, 50, 20_000].randomElement(using: &generator) ?? 50
    scenario.store.lossProbability = [0, 0.1].randomElement(using: &generator) ?? 0.0
    scenario.store.latencyMicroseconds = [100, 5000].randomElement(using: &generator) ?? 100
    scenario.store.bytesPerSecond = [1e5, 1e8].randomElement(using: &generator) ?? 1e8
    scenario.store.capacityBlocks = [20, 10_000].randomElement(using: &generator) ?? 20
    scenario.requests = requests(
      largest: scenario.workers.map(\.maxSequenceTokens).max() ?? 0,
      &generator
    )
    let horizon = (scenario.requests.last?.arrivalMicroseconds ?? 0) + 2_000_000
    scenario.faults = faults(
      count: Int.random(in: 0...8, using: &generator),
      within: horizon,
      workerCount: scenario.workers.count,
      &generator
    )
    return scenario
  }

  private static func settings(
    hasStore: Bool,
    _ generator: inout SimulationGenerator
  ) -> SchedulerSettings {
    var settings = SchedulerSettings()
    settings.maxPlansInFlight = Int.random(in: 1...3, using: &generator)
    settings.maxWaitingSequences = [4, 1024].randomElement(using: &generator) ?? 1024
    settings.maxRunningPerWorker = [nil, 3].randomElement(using: &generator) ?? nil
    settings.maxPrefillTokensPerSequencePerStep =
      [nil, 4, 16].randomElement(using: &generator) ?? nil
    settings.watermarkFraction = [0, 0.01, 0.2].randomElement(using: &generator) ?? 0
    settings.growthHorizonTokens = [0, 4, 128].randomElement(using: &generator) ?? 0
    settings.affinityPatienceSteps = [0, 2, 64].randomElement(using: &generator) ?? 64
    settings.maxPreemptions = [0, 1, 3].randomElement(using: &generator) ?? 3
    settings.expectedTokens = [0, 8, 128].randomElement(using: &generator) ?? 128
    settings.maxWorkerLosses = Int.random(in: 2...3, using: &generator)
    settings.dispatchLookahead = [1, 64].randomElement(using: &generator) ?? 64
    settings.awaitsSharedPrefixes = Bool.random(using: &generator)
    settings.copiesSharedTails = generator.happens(0.8)
    settings.maxDraftTokens = [0, 0, 1, 3, 8].randomElement(using: &generator) ?? 0
    settings.maxSpeculatingSequences = [1, 4, 100].randomElement(using: &generator) ?? 4
    settings.usesStore = hasStore
    settings.storeWrites = StoreWrites.allCases.randomElement(using: &generator) ?? .all
    settings.maxLoadsPerWorker = Int.random(in: 1...4, using: &generator)
    settings.maxLoadMilliseconds = [20, 5000].randomElement(using: &generator) ?? 5000
    settings.storeAnswerLifetimeSteps = [1, 64].randomElement(using: &generator) ?? 64
    settings.maxWaitingSequencesPerTenant = [nil, nil, 2].randomElement(using: &generator) ?? nil
    return settings
  }

  private typealias StoreWrites = SchedulerSettings.StoreWrites

  private static func workers(
    blockSize: Int,
    hasStore: Bool,
    _ generator: inout SimulationGenerator
  ) -> [WorkerCapabilities] {
    let hasRoles = hasStore && generator.happens(0.3)
    return (0..<Int.random(in: 1...5, using: &generator)).map { number in
      WorkerCapabilities.simulated(
        number,
        blockCount: Int.random(in: 64...160, using: &generator) / blockSize,
        blockSizeTokens: blockSize,
        maxBatchTokens: Int.random(in: 4...48, using: &generator),
        maxBatchSequences: Int.random(in: 2...8, using: &generator),
        maxContextTokens: Int.random(in: 48...128, using: &generator),
        relativeSpeed: [0.5, 1.0, 1.0, 2.0].randomElement(using: &generator) ?? 1,
        storeBlockBytes: hasStore && generator.happens(0.8) ? 100 : 0,
        role: hasRoles
          ? [.prefill, .decode, .everything].randomElement(using: &generator) ?? .everything
          : .everything
      )
    }
  }

  private static func requests(
    largest: Int,
    _ generator: inout SimulationGenerator
  ) -> [SimulatedRequest] {
    let meanPause: Double = [100, 20_000, 200_000].randomElement(using: &generator) ?? 20_000
    let isFlawed = generator.happens(0.3)
    var time = 0.0
    // Outputs that are still to come of the last request's prompt.
    var outputs = 0
    var requests: [SimulatedRequest] = []
    for number in 0..<Int.random(in: 5...40, using: &generator) {
      if outputs == 0 { time += generator.exponential(mean: meanPause) }
      let fork = outputs > 0 ? requests.last : nil
      outputs = max(0, outputs - 1)
      if fork == nil, generator.happens(0.1) {
        outputs = Int.random(in: 1...4, using: &generator)
      }
      let prompt = fork?.prompt ?? prompt(number, &generator)
      let most = max(1, largest - prompt.tokenCount)
      let maxTokens = Int.random(in: 1...max(1, min(most, 60)), using: &generator)
      var request = SimulatedRequest(
        arrivalMicroseconds: Int(time),
        prompt: prompt,
        maxTokens: generator.happens(0.02) ? 10_000 : maxTokens,
        naturalTokens: Int.random(in: 1...60, using: &generator)
      )
      request.tenant = fork?.tenant ?? (generator.happens(0.2) ? 1 : 0)
      request.priority = generator.happens(0.1) ? 1 : 0
      if generator.happens(0.1) {
        request.cancelMicroseconds = Int(generator.exponential(mean: 300_000))
      }
      if generator.happens(0.1) {
        // The shorter ones are too short for some prompts.
        let longest = [30_000, 1_000_000].randomElement(using: &generator) ?? 30_000
        request.timeoutMicroseconds = Int.random(in: 2000...longest, using: &generator)
      }
      if isFlawed, generator.happens(0.1) {
        request.flaw = [.fails, .killsWorkers].randomElement(using: &generator) ?? .fails
      }
      requests.append(request)
    }
    return requests
  }

  /// A prompt of its own, that may begin as others do.
  private static func prompt(
    _ number: Int,
    _ generator: inout SimulationGenerator
  ) -> SimulatedPrompt {
    var passages: [SimulatedPrompt.Passage] = []
    if generator.happens(0.6) {
      let text = UInt64.random(in: 0..<3, using: &generator)
      let length = Int.random(in: 1...24, using: &generator)
      passages.append(SimulatedPrompt.Passage(text: text, tokenCount: length))
    }
    let own = Int.random(in: 1...24, using: &generator)
    passages.append(SimulatedPrompt.Passage(text: 100 + UInt64(number), tokenCount: own))
    return SimulatedPrompt(passages)
  }
}
