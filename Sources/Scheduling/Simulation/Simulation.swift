package import MeshTypes
import Scheduling

/// A whole mesh in one value: the real ``SchedulerCore``, with clients, gateways, workers, a KV store
/// and the network between them simulated event by event. The same scenario gives the same run.
package struct Simulation {
  enum Event {
    case arrival(client: Int)
    case submission(client: Int)
    case withdrawal(life: Int, SequenceID)
    case cancellation(client: Int)
    case timeout(client: Int)
    case news(client: Int, life: Int, SequenceEvent)
    case plan(Epoch)
    case stepEnd(worker: Int, stay: Int)
    case loadEnd(worker: Int, stay: Int, BlockLoad)
    case putEnd(worker: Int, stay: Int, BlockStore, [[UInt32]])
    case report(Epoch)
    case storeAnswer(life: Int, StoreAnswer)
    case fault(SimulationFault)
    case wake(worker: Int)
    case recovery(worker: Int)
    case loss(Epoch)
    case join(worker: Int)
    case drained(Epoch, worker: Int, awayMicroseconds: Int)
    case schedulerStart
    case sample
  }

  let scenario: SimulationScenario
  var generator: SimulationGenerator
  var queue = EventQueue<Event>()
  /// The plans that the scheduler has made last.
  var plans = PlanBatch()
  /// Microseconds since the beginning.
  var now = 0
  /// nil while the scheduler is down.
  var core: SchedulerCore?
  /// Counts the scheduler's starts.
  var life = 0
  var nextSequence: UInt64 = 1
  var nextEpoch = Epoch(1)
  var clients: [SimulatedClient]
  /// The clients of the present life's sequences.
  var clientOfSequence: [SequenceID: Int] = [:]
  /// When the last word to each client arrives.
  var newsTimes: [Int]
  var hosts: [WorkerHost]
  var links: [Epoch: WorkerLink] = [:]
  var store: SimulatedStore
  var eventCount = 0
  /// Events at the core since its invariants were checked.
  var changeCount = 0
  var openClients: Int
  var measurements = SimulationMeasurements()

  /// Creates a simulation.
  ///
  /// - Throws: ``MeshError`` for settings that the core does not take.
  package init(_ scenario: SimulationScenario) throws(MeshError) {
    self.scenario = scenario
    generator = SimulationGenerator(seed: scenario.seed)
    core = try SchedulerCore(settings: scenario.settings)
    clients = scenario.requests.enumerated().map { SimulatedClient($0.element, number: $0.offset) }
    newsTimes = Array(repeating: 0, count: clients.count)
    openClients = clients.count
    hosts = scenario.workers.map { WorkerHost($0, guesses: scenario.guesses) }
    store = SimulatedStore(capacityBlocks: scenario.store.capacityBlocks)
    for worker in hosts.indices { queue.add(.join(worker: worker), at: 0) }
    for (client, request) in scenario.requests.enumerated() {
      queue.add(.arrival(client: client), at: request.arrivalMicroseconds)
    }
    for fault in scenario.faults { queue.add(.fault(fault.fault), at: fault.microseconds) }
    queue.add(.sample, at: scenario.sampleMicroseconds)
  }

  /// Runs until every request has ended and everything is quiet.
  ///
  /// - Throws: ``SimulationViolation`` naming the rule that was broken, and when.
  package mutating func run() throws(SimulationViolation) -> SimulationReport {
    do throws(SimulationViolation) {
      while let next = queue.next() {
        now = next.time
        eventCount += 1
        try handle(next.event)
        if changeCount >= scenario.changesBetweenChecks { try check() }
      }
      try checkEnd()
    } catch {
      throw SimulationViolation("after \(now) µs and \(eventCount) events: \(error)")
    }
    return report
  }

  private mutating func handle(_ event: Event) throws(SimulationViolation) {
    switch event {
    case .arrival(let client): arrive(client)
    case .submission(let client): try submit(client)
    case .withdrawal(let life, let id): try withdraw(id, of: life)
    case .cancellation(let client): abandon(client, .cancelled)
    case .timeout(let client): abandon(client, .failed(.deadlineExceeded))
    case .news(let client, let life, let news): try receive(news, client, of: life)
    case .plan(let epoch): try deliverPlan(epoch)
    case .stepEnd(let worker, let stay): try endStep(worker, stay)
    case .loadEnd(let worker, let stay, let load): endLoad(load, worker, stay)
    case .putEnd(let worker, let stay, let put, let contents):
      try endPut(put, contents, worker, stay)
    case .report(let epoch): try deliverReport(epoch)
    case .storeAnswer(let life, let answer): try take(answer, of: life)
    case .fault(let fault): try strike(fault)
    case .wake(let worker): try startStep(worker)
    case .recovery(let worker): hosts[worker].slowness = 1
    case .loss(let epoch): try lose(epoch)
    case .join(let worker): try join(worker)
    case .drained(let epoch, let worker, let away): try leaveIfIdle(epoch, worker, away)
    case .schedulerStart: try startScheduler()
    case .sample: sample()
    }
  }

  /// When a message that is sent now arrives.
  mutating func arrivalTime() -> Int {
    let network = scenario.network
    let jitter = generator.exponential(mean: Double(max(1, network.jitterMicroseconds)))
    return now + network.leastMicroseconds + Int(jitter)
  }

  // MARK: Checks

  private mutating func check() throws(SimulationViolation) {
    changeCount = 0
    do {
      try core?.checkInvariants()
    } catch {
      throw SimulationViolation(error.message)
    }
  }

  /// In the end nobody holds anything.
  private mutating func checkEnd() throws(SimulationViolation) {
    try check()
    for client in clients { try require(client.outcome != nil, "\(client.name) never ends") }
    try scenario.verify(clients.compactMap(\.outcome))
    guard let core else { throw SimulationViolation("the scheduler stays down") }
    let statistics = core.statistics
    try require(
      statistics.waitingSequences == 0 && statistics.runningSequences == 0,
      "sequences are left: \(statistics)"
    )
    for worker in statistics.workers {
      try require(
        worker.freeBlocks == worker.capabilities.blockCount && worker.plansInFlight == 0
          && worker.loadsInFlight == 0,
        "\(worker.capabilities.name) still has something: \(worker)"
      )
    }
    for host in hosts where host.epoch.map({ core.isMember($0) }) == true {
      try require(
        host.worker.sequences.isEmpty && host.worker.loads.isEmpty,
        "\(host.worker.capabilities.name) was not told of all ends"
      )
    }
  }
}
