import Scheduling

/// What is counted while a simulation runs.
struct SimulationMeasurements {
  var faults = 0
  var staleReports = 0
  var steps = 0
  var computedPositions = 0
  /// Copies of blocks that were not full, and positions in them.
  var copies = 0
  var copiedPositions = 0
  /// Of the lives of the scheduler that have ended.
  private var submitted: UInt64 = 0
  private(set) var preemptions: UInt64 = 0
  private(set) var workerLosses: UInt64 = 0
  private(set) var queriedTokens: UInt64 = 0
  private(set) var hitTokens: UInt64 = 0
  private(set) var fetchedTokens: UInt64 = 0
  /// Sums over all looks at the memory, in tokens.
  var heldTokens = 0
  var knownTokens = 0
  var reservedTokens = 0
  /// Sequences that the workers had at all looks.
  var presentSequences = 0
  var samples = 0

  mutating func count(_ plan: StepPlan) {
    steps += 1
    computedPositions += plan.tokenCount
    copies += plan.copies.count
    copiedPositions += plan.copies.reduce(0) { $0 + $1.tokenCount }
  }

  mutating func add(_ counters: SchedulerCounters) {
    submitted += counters.submitted
    preemptions += counters.preemptions
    workerLosses += counters.workerLosses
    queriedTokens += counters.prefixQueriedTokens
    hitTokens += counters.prefixHitTokens
    fetchedTokens += counters.store.fetchedTokens
  }
}

extension Simulation {
  /// Looks at the workers' memory.
  mutating func sample() {
    guard openClients > 0 else { return }
    queue.add(.sample, at: now + scenario.sampleMicroseconds)
    measurements.samples += 1
    for host in hosts where host.epoch != nil {
      let blockSize = host.worker.capabilities.blockSizeTokens
      for sequence in host.worker.sequences.values {
        measurements.presentSequences += 1
        measurements.heldTokens += sequence.table.count * blockSize
        measurements.knownTokens += min(sequence.tokens.count, sequence.table.count * blockSize)
      }
      for id in host.worker.sequences.keys {
        guard let client = clientOfSequence[id] else { continue }
        let request = clients[client].request
        measurements.reservedTokens += request.prompt.tokenCount + request.maxTokens
      }
    }
  }

  var report: SimulationReport {
    var measurements = measurements
    if let core { measurements.add(core.statistics.counters) }
    return SimulationReport(
      measurements,
      clients: clients,
      busyMicroseconds: hosts.reduce(0) { $0 + $1.busyMicroseconds },
      workerCount: hosts.count
    )
  }
}
