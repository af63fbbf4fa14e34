import BlockCache
import MeshTypes
import Scheduling

/// A scheduler with fake workers, driven by hand: plans wait at each worker until they are
/// executed, results wait until they are delivered. Every event is followed by a check of all
/// invariants, every token compared with what the model gives to the sequence alone.
struct FakeMesh {
  struct Violation: Error, CustomStringConvertible {
    var description: String
  }

  enum Ending: Equatable {
    case finished(FinishReason, SequenceUsage)
    case failed(MeshError.Code, SequenceUsage)
  }

  struct Link {
    var worker: FakeWorker
    var plans: [StepPlan] = []
    var results: [StepResult] = []

    var isIdle: Bool { plans.isEmpty && results.isEmpty && worker.loads.isEmpty }
  }

  var core: SchedulerCore
  var links: [Epoch: Link] = [:]
  var poison: Set<SequenceID> = []
  private(set) var requests: [SequenceID: SequenceRequest] = [:]
  private var expected: [SequenceID: [TokenID]] = [:]
  private(set) var outputs: [SequenceID: [TokenID]] = [:]
  private(set) var endings: [SequenceID: Ending] = [:]
  /// The KV store of all workers.
  let store = FakeStore()
  /// Questions to it that wait for an answer.
  private(set) var queries: [StoreQuery] = []
  /// All plans made, in order.
  private(set) var plans: [StepPlan] = []

  init(_ settings: SchedulerSettings = SchedulerSettings()) throws {
    core = try SchedulerCore(settings: settings)
  }

  // MARK: Events

  @discardableResult
  mutating func join(_ capabilities: WorkerCapabilities) throws -> Epoch {
    let joined = try core.join(capabilities)
    links = links.filter { $0.value.worker.capabilities.name != capabilities.name }
    links[joined.epoch] = Link(worker: FakeWorker(capabilities, store: store))
    try take(joined.events)
    return joined.epoch
  }

  mutating func leave(_ epoch: Epoch) throws {
    core.leave(epoch)
    links[epoch] = nil
    try take([])
  }

  mutating func lose(_ epoch: Epoch) throws {
    links[epoch] = nil
    try take(core.workerLost(epoch))
  }

  mutating func submit(_ request: SequenceRequest) throws {
    try core.submit(request)
    requests[request.id] = request
    expected[request.id] = FakeModel.output(
      of: request.promptTokenIDs,
      limits: request.limits,
      seed: request.sampling.seed
    )
    outputs[request.id] = []
    try take([])
  }

  mutating func cancel(_ id: SequenceID) throws {
    try take(core.cancel(id).map { [$0] } ?? [])
  }

  /// Asks for the plans that can be made now and leaves them with the workers.
  @discardableResult
  mutating func plan() throws -> [StepPlan] {
    var batch = PlanBatch()
    core.nextPlans(into: &batch)
    let made = Array(batch)
    for plan in made {
      guard links[plan.epoch] != nil else {
        throw Violation(description: "a plan for a worker that is no member")
      }
      links[plan.epoch]?.plans.append(plan)
    }
    plans += made
    try take([])
    return made
  }

  /// Has a worker execute its oldest plan; the result waits.
  mutating func execute(_ epoch: Epoch) throws {
    guard var link = links[epoch], !link.plans.isEmpty else { return }
    link.worker.poison = poison
    link.results.append(try link.worker.execute(link.plans.removeFirst()))
    links[epoch] = link
  }

  /// Delivers a worker's oldest result.
  mutating func deliver(_ epoch: Epoch) throws {
    guard let result = links[epoch]?.results.first else { return }
    links[epoch]?.results.removeFirst()
    try take(core.complete(result))
  }

  /// Answers the oldest question.
  ///
  /// - Parameter isLost: Whether the store does not answer in time.
  mutating func answerQuery(isLost: Bool = false) throws {
    guard !queries.isEmpty else { return }
    let query = queries.removeFirst()
    try take(core.complete(isLost ? StoreAnswer(to: query, nil) : store.answer(query)))
  }

  /// Ends a load of a worker after at most `limit` blocks.
  mutating func endLoad(_ epoch: Epoch, _ id: LoadID, limit: Int = .max) throws {
    guard let result = links[epoch]?.worker.endLoad(id, limit: limit) else { return }
    core.complete([result], of: epoch)
    try take([])
  }

  /// Tells that a worker's stores have ended.
  mutating func endStores(_ epoch: Epoch) throws {
    core.complete(storesThrough: links[epoch]?.worker.lastStore ?? 0, of: epoch)
    try take([])
  }

  /// One round: questions are answered, plans made; every worker executes one, ends its loads and
  /// stores; every result is delivered.
  mutating func round() throws {
    while !queries.isEmpty { try answerQuery() }
    try plan()
    for epoch in links.keys.sorted() {
      for load in links[epoch]?.worker.loads.keys.sorted() ?? [] { try endLoad(epoch, load) }
      try endStores(epoch)
    }
    for epoch in links.keys.sorted() { try execute(epoch) }
    for epoch in links.keys.sorted() { try deliver(epoch) }
  }

  /// Rounds until every sequence has ended.
  mutating func run(maxRounds: Int = 10_000) throws {
    var rounds = 0
    while !live.isEmpty || links.values.contains(where: { !$0.isIdle }) {
      try round()
      rounds += 1
      if rounds > maxRounds { throw Violation(description: "no progress: \(core.statistics)") }
    }
    try round()
  }

  // MARK: Views

  var live: [SequenceID] { requests.keys.filter { endings[$0] == nil }.sorted() }

  var freeBlocks: [Int] { core.statistics.workers.map(\.freeBlocks) }

  func output(_ id: UInt64) -> [TokenID]? { outputs[SequenceID(id)] }

  func usage(_ id: UInt64) -> SequenceUsage? {
    switch endings[SequenceID(id)] {
    case .finished(_, let usage), .failed(_, let usage): usage
    case nil: nil
    }
  }

  // MARK: Checks

  mutating func take(_ events: [SequenceEvent]) throws {
    for event in events { try take(event) }
    queries += core.nextStoreQueries()
    try core.checkInvariants()
  }

  private mutating func take(_ event: SequenceEvent) throws {
    switch event {
    case .token(let id, let token):
      let place = outputs[id]?.count ?? 0
      guard endings[id] == nil, let expected = expected[id], place < expected.count,
        expected[place] == token
      else { throw Violation(description: "\(id) got \(token) at \(place)") }
      outputs[id]?.append(token)
    case .finished(let id, let reason, let usage):
      try end(id, .finished(reason, usage), usage)
      guard reason == .cancelled || outputs[id] == expected[id] else {
        throw Violation(description: "\(id) ended early: \(reason)")
      }
    case .failed(let id, let error, let usage):
      try end(id, .failed(error.code, usage), usage)
    }
  }

  private mutating func end(_ id: SequenceID, _ ending: Ending, _ usage: SequenceUsage) throws {
    guard let request = requests[id], endings[id] == nil else {
      throw Violation(description: "\(id) ended twice or never began")
    }
    guard usage.generatedTokens == outputs[id]?.count,
      usage.promptTokens == request.promptTokenIDs.count,
      (0..<usage.promptTokens).contains(usage.cachedPromptTokens)
    else { throw Violation(description: "\(id) ended with a wrong usage: \(usage)") }
    endings[id] = ending
  }

  /// Once nothing runs, every block must be free.
  func checkIdle() throws {
    let statistics = core.statistics
    guard statistics.waitingSequences == 0, statistics.runningSequences == 0,
      statistics.workers.allSatisfy({ $0.freeBlocks == $0.capabilities.blockCount }),
      statistics.workers.allSatisfy({ $0.plansInFlight == 0 && $0.loadsInFlight == 0 }),
      links.values.allSatisfy({ $0.worker.sequences.isEmpty })
    else { throw Violation(description: "something is still held: \(statistics)") }
  }
}

extension WorkerCapabilities {
  /// A small worker; what a scenario is about is overridden.
  static func fake(
    _ name: String = "worker",
    blocks: Int = 64,
    blockSize: Int = 4,
    batchTokens: Int = 32,
    batchSequences: Int = 16,
    context: Int = 4096,
    speed: Double = 1,
    storeBlockBytes: Int = 0,
    role: WorkerRole = .everything
  ) -> Self {
    Self(
      name: name,
      blockCount: blocks,
      blockSizeTokens: blockSize,
      maxBatchTokens: batchTokens,
      maxBatchSequences: batchSequences,
      maxContextTokens: context,
      vocabularySize: FakeModel.vocabularySize,
      rootKey: .root(modelDigest: [1], numericsID: "fake", layout: "f", blockSizeTokens: blockSize),
      relativeSpeed: speed,
      storeBlockBytes: storeBlockBytes,
      role: role
    )
  }
}

extension SequenceRequest {
  /// A request of `promptTokens` tokens that differ from those of any other id.
  static func fake(
    _ id: UInt64,
    prompt promptTokens: Int,
    max maxTokens: Int,
    priority: Int = 0,
    salt: [UInt8] = [],
    stops: Set<TokenID> = []
  ) -> Self {
    let prompt = (0..<promptTokens).map { position in
      TokenID((UInt64(position) &* 31 &+ id &* 17 &+ id / 3) % UInt64(FakeModel.vocabularySize))
    }
    return .fake(id, tokens: prompt, max: maxTokens, priority: priority, salt: salt, stops: stops)
  }

  static func fake(
    _ id: UInt64,
    tokens: [TokenID],
    max maxTokens: Int,
    priority: Int = 0,
    salt: [UInt8] = [],
    stops: Set<TokenID> = []
  ) -> Self {
    Self(
      id: SequenceID(id),
      promptTokenIDs: tokens,
      sampling: SamplingParameters(seed: id),
      limits: GenerationLimits(maxTokens: maxTokens, stopTokenIDs: stops),
      priority: priority,
      cacheSalt: salt
    )
  }
}
