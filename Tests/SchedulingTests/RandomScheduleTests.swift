import BlockCache
import MeshTypes
import Scheduling
import TestSupport
import Testing

/// Seeded random lives of a mesh. `FakeMesh` and `FakeWorker` check every rule at every event;
/// here is what happens to them.
@Suite("Random schedules")
struct RandomScheduleTests {
  @Test(
    "Whatever happens, every sequence ends once, with the ids it has alone, and all blocks return",
    arguments: 0..<40 as Range<UInt64>
  )
  func everythingAtOnce(batch: UInt64) throws {
    for seed in batch * 50..<(batch + 1) * 50 {
      var life = try RandomLife(seed: seed)
      do {
        try life.run()
      } catch {
        Issue.record("seed \(seed): \(error)")
        return
      }
    }
  }

  @Test("The random lives do meet what they are there to meet")
  func coverage() throws {
    var counters = (preemptions: 0, hits: 0, losses: 0, failed: 0, moved: 0, copies: 0)
    var store = (fetched: 0, failed: 0, swapIns: 0, lookups: 0, handovers: 0)
    for seed in 0..<200 as Range<UInt64> {
      var life = try RandomLife(seed: seed)
      try life.run()
      let counted = life.mesh.core.statistics.counters
      counters.preemptions += Int(counted.preemptions)
      counters.hits += Int(counted.prefixHitTokens)
      counters.copies += Int(counted.copiedTails)
      counters.losses += Int(counted.workerLosses)
      counters.failed += Int(counted.failed)
      counters.moved += life.staleDeliveries
      store.fetched += Int(counted.store.fetchedTokens)
      store.failed += Int(counted.store.failedTokens)
      store.swapIns += Int(counted.store.swapIns)
      store.lookups += Int(counted.store.failedLookups)
      store.handovers += Int(counted.handovers)
    }
    #expect(store.fetched > 500)
    #expect(store.failed > 100)
    #expect(store.swapIns > 10)
    #expect(store.lookups > 20)
    #expect(store.handovers > 20)
    #expect(counters.preemptions > 50)
    #expect(counters.hits > 100)
    #expect(counters.copies > 100)
    #expect(counters.losses > 20)
    #expect(counters.failed > 5)
    #expect(counters.moved > 5)
  }
}

/// One random life: a mesh of random settings and workers, to which random things happen.
struct RandomLife {
  var mesh: FakeMesh
  var random: SeededGenerator
  var nextID: UInt64 = 1
  var nextWorker = 0
  let blockSize: Int
  let sharedPrefixes: [[TokenID]]
  let drainsHappen: Bool
  let maxTokens: Int
  /// Bytes of a block in the KV store; 0 without one.
  let storeBlockBytes: Int
  let hasRoles: Bool
  var staleResults: [StepResult] = []
  var staleDeliveries = 0

  init(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed &* 77 &+ 5)
    var settings = SchedulerSettings()
    settings.maxPlansInFlight = Int.random(in: 1...3, using: &random)
    settings.maxWaitingSequences = Int.random(in: 2...20, using: &random)
    settings.maxRunningPerWorker = Bool.random(using: &random) ? nil : 3
    settings.maxPrefillTokensPerSequencePerStep =
      Bool.random(using: &random) ? nil : Int.random(in: 1...8, using: &random)
    settings.watermarkFraction = [0, 0.01, 0.2].randomElement(using: &random) ?? 0
    settings.growthHorizonTokens = [0, 0, 4, 64].randomElement(using: &random) ?? 0
    settings.maxPreemptions = [0, 1, 2, 100].randomElement(using: &random) ?? 2
    settings.maxWorkerLosses = Int.random(in: 1...4, using: &random)
    settings.dispatchLookahead = [1, 2, 64].randomElement(using: &random) ?? 1
    settings.awaitsSharedPrefixes = Bool.random(using: &random)
    settings.copiesSharedTails = Int.random(in: 0..<4, using: &random) > 0
    let hasStore = Int.random(in: 0..<3, using: &random) > 0
    settings.usesStore = hasStore
    settings.storeWrites =
      SchedulerSettings.StoreWrites.allCases.randomElement(using: &random) ?? .all
    settings.maxLoadsPerWorker = Int.random(in: 1...3, using: &random)
    settings.storeAnswerLifetimeSteps = [1, 3, 64].randomElement(using: &random) ?? 3
    // Small enough for every load to pay.
    storeBlockBytes = hasStore ? 100 : 0
    hasRoles = hasStore && Bool.random(using: &random)
    mesh = try FakeMesh(settings)
    blockSize = Int.random(in: 1...5, using: &random)
    drainsHappen = Bool.random(using: &random)
    maxTokens = [4, 20, 40].randomElement(using: &random) ?? 4
    let lengths = (0..<3).map { _ in Int.random(in: 1...20, using: &random) }
    sharedPrefixes = lengths.map { length in
      (0..<length).map { _ in TokenID.random(in: 0..<61, using: &random) }
    }
    self.random = random
    if hasStore { fillStore() }
  }

  /// The store has lived before: it knows some of the prefixes, whole or in part.
  private mutating func fillStore() {
    let root = WorkerCapabilities.fake(blockSize: blockSize).rootKey
    for (prefix, salt) in sharedPrefixes.flatMap({ [($0, []), ($0, [9 as UInt8])] }) {
      var chain = BlockKeyChain(root: root.salted(by: salt), blockSizeTokens: blockSize)
      chain.extend(over: prefix)
      var state: UInt64 = 1
      let states = prefix.map { token -> UInt64? in
        state = FakeModel.advance(state, by: token)
        return state
      }
      for (block, key) in chain.keys.enumerated() where Int.random(in: 0..<8, using: &random) > 0 {
        let content = states[block * blockSize..<(block + 1) * blockSize]
        _ = mesh.store.put(TenantNamespace.name(ofSalt: salt), key, Array(content))
      }
    }
  }

  mutating func run() throws {
    if Int.random(in: 0..<4, using: &random) > 0 { try join() }
    for _ in 0..<Int.random(in: 20...300, using: &random) { try step() }
    // The end: a worker that takes everything, though not at once, and no more disturbance.
    try mesh.join(
      .fake(
        "last",
        blocks: 80 / blockSize,
        blockSize: blockSize,
        batchTokens: 16,
        context: 80,
        storeBlockBytes: storeBlockBytes
      )
    )
    try mesh.run(maxRounds: 3000)
    try mesh.checkIdle()
  }

  private mutating func step() throws {
    switch Int.random(in: 0..<100, using: &random) {
    case 0..<18: try submit()
    case 18..<21: try cancel()
    case 21..<24: try join()
    case 24..<27: try end()
    case 27..<29 where drainsHappen: randomEpoch().map { mesh.core.drain($0) }
    case 29..<30:
      if let id = mesh.live.randomElement(using: &random) { mesh.poison.insert(id) }
    case 30..<32: try deliverStale()
    case 32..<48: try disturbStore()
    case 48..<60: try mesh.plan()
    case 60..<80: if let epoch = randomEpoch() { try mesh.execute(epoch) }
    default: if let epoch = randomEpoch() { try mesh.deliver(epoch) }
    }
    try mesh.take([])
  }

  /// Everything that can happen between the KV store and the rest.
  private mutating func disturbStore() throws {
    let isLost = Int.random(in: 0..<8, using: &random) == 0
    switch Int.random(in: 0..<16, using: &random) {
    case 0..<7: for _ in 0..<3 { try mesh.answerQuery(isLost: isLost) }
    case 7..<13:
      guard let epoch = randomEpoch(),
        let load = mesh.links[epoch]?.worker.loads.keys.sorted().randomElement(using: &random)
      else { return }
      let limit = Bool.random(using: &random) ? .max : Int.random(in: 0...2, using: &random)
      try mesh.endLoad(epoch, load, limit: limit)
    case 13..<15: if let epoch = randomEpoch() { try mesh.endStores(epoch) }
    default: mesh.store.removeAll()
    }
  }

  private mutating func randomEpoch() -> Epoch? {
    mesh.links.keys.sorted().randomElement(using: &random)
  }

  private mutating func submit() throws {
    let prefix = sharedPrefixes.randomElement(using: &random) ?? []
    let shared = prefix.prefix(Int.random(in: 0...prefix.count, using: &random))
    let tail = (0..<Int.random(in: 0...12, using: &random)).map { _ in
      TokenID.random(in: 0..<61, using: &random)
    }
    let prompt = Array(shared) + tail
    let salt: [UInt8] = Int.random(in: 0..<8, using: &random) == 0 ? [9] : []
    // Some want several outputs.
    let count = Int.random(in: 0..<5, using: &random) == 0 ? 3 : 1
    for _ in 0..<count {
      let request = SequenceRequest.fake(
        nextID,
        tokens: prompt.isEmpty ? [1] : prompt,
        max: Int.random(in: 1...maxTokens, using: &random),
        priority: Int.random(in: 0..<5, using: &random) == 0 ? 1 : 0,
        salt: salt,
        stops: Bool.random(using: &random) ? [FakeModel.stopToken] : []
      )
      nextID += 1
      try submit(request)
    }
  }

  private mutating func submit(_ request: SequenceRequest) throws {
    do {
      try mesh.submit(request)
    } catch let error as MeshError {
      // The prompt may be one that was quarantined.
      let isExpected = [.resourceExhausted, .outOfRange, .internalError].contains(error.code)
      guard isExpected else { throw error }
    }
  }

  private mutating func cancel() throws {
    if let id = mesh.live.randomElement(using: &random) { try mesh.cancel(id) }
  }

  private mutating func join() throws {
    guard mesh.links.count < 4 else { return }
    // Now and then under a name in use: the worker restarted before anyone noticed.
    nextWorker += Int.random(in: 0..<5, using: &random) == 0 ? 0 : 1
    try mesh.join(
      .fake(
        "worker-\(nextWorker)",
        blocks: Int.random(in: 4...24, using: &random),
        blockSize: blockSize,
        batchTokens: Int.random(in: 1...24, using: &random),
        batchSequences: Int.random(in: 1...6, using: &random),
        context: Int.random(in: 8...80, using: &random),
        storeBlockBytes: Int.random(in: 0..<5, using: &random) == 0 ? 0 : storeBlockBytes,
        role: hasRoles
          ? [.everything, .prefill, .decode].randomElement(using: &random) ?? .everything
          : .everything
      )
    )
  }

  private mutating func end() throws {
    guard let epoch = randomEpoch() else { return }
    staleResults += mesh.links[epoch]?.results ?? []
    if Bool.random(using: &random) { try mesh.lose(epoch) } else { try mesh.leave(epoch) }
  }

  /// What a worker that was given up still had on the wire must change nothing.
  private mutating func deliverStale() throws {
    guard let result = staleResults.popLast() else { return }
    staleDeliveries += 1
    let before = mesh.core.statistics
    let events = mesh.core.complete(result)
    guard events.isEmpty, mesh.core.statistics == before else {
      throw FakeMesh.Violation(description: "a stale result had an effect")
    }
  }
}
