import Scheduling
import Simulation
import Testing

/// What the mesh promises at sizes that no machine here has.
@Suite("Simulated meshes")
struct MeshBehaviourTests {
  private func scenario(workers: Int, blocks: Int = 2048) -> SimulationScenario {
    var scenario = SimulationScenario(seed: 1)
    scenario.workers = (0..<workers).map {
      .simulated($0, blockCount: blocks, maxBatchSequences: 64, maxContextTokens: 2048)
    }
    scenario.settings.maxPrefillTokensPerSequencePerStep = 256
    scenario.settings.maxWaitingSequences = 100_000
    scenario.changesBetweenChecks = 500
    return scenario
  }

  private func run(_ scenario: SimulationScenario) throws -> SimulationReport {
    var simulation = try Simulation(scenario)
    return try simulation.run()
  }

  @Test("At twice what fits throughput stays what it was, whatever gives way")
  func overload() throws {
    func tokensPerSecond(rate: Double) throws -> (speed: Double, report: SimulationReport) {
      var scenario = scenario(workers: 1, blocks: 300)
      // Short prompts that grow to several times their length: the memory runs out.
      var workload = Workload()
      workload.requestCount = 200
      workload.arrivals = .poisson(perSecond: rate)
      workload.meanPromptTokens = 60
      workload.meanOutputTokens = 400
      workload.maxTokens = 1500
      workload.maxPromptTokens = 500
      scenario.requests = workload.requests(seed: 1)
      let report = try run(scenario)
      return (report.tokensPerSecond, report)
    }
    // About 2.1 a second is what fits.
    let speeds = try [1.5, 2, 2.2, 2.5, 4.2].map { try tokensPerSecond(rate: $0) }
    let best = speeds.map(\.speed).max() ?? 0
    let overloaded = try #require(speeds.last)
    #expect(overloaded.report.preemptions > 20)
    #expect(overloaded.report.mostPreemptions <= scenario(workers: 1).settings.maxPreemptions)
    #expect(overloaded.speed >= 0.9 * best)
    #expect(overloaded.report.count(.answered) == 200)
  }

  @Test("Less than 4 % of block memory is without tokens; contiguous reservation wastes most of it")
  func blockWaste() throws {
    var scenario = scenario(workers: 1, blocks: 1024)
    var workload = Workload()
    workload.requestCount = 150
    workload.arrivals = .atOnce
    workload.maxPromptTokens = 1000
    scenario.requests = workload.requests(seed: 2)
    let rows = try BlockComparison(scenario, blockSizes: [16, 2048]).rows
    #expect(rows[0].report.blockWaste < 0.04)
    #expect(rows[0].report.contiguousWaste > 0.4)
    #expect(rows[1].report.blockWaste > 0.6)
    #expect(rows[1].report.meanSequences < rows[0].report.meanSequences / 3)
    #expect(rows[1].report.firstTokenSeconds.mean > rows[0].report.firstTokenSeconds.mean)
  }

  @Test("First tokens come sooner the more the choice of workers knows of their caches")
  func routing() throws {
    var scenario = scenario(workers: 8)
    var workload = Workload()
    workload.requestCount = 600
    workload.arrivals = .poisson(perSecond: 12)
    workload.sharedPrefixTokens = 640
    workload.prefixGroups = 40
    workload.meanPromptTokens = 60
    workload.meanOutputTokens = 24
    scenario.requests = workload.requests(seed: 3)
    let rows = try RoutingComparison(scenario, storeBlockBytes: 368_640).rows
    let times = rows.map(\.report.firstTokenSeconds.mean)
    let hits = rows.map(\.report.prefixHitShare)
    #expect(times[0] > times[2], "caches help: \(times)")
    #expect(times[1] > times[2], "load matters: \(times)")
    #expect(times[2] > 1.5 * times[3], "knowing the caches matters: \(times)")
    #expect(hits[3] > hits[2] && hits[0] < 0.01, "\(hits)")
  }

  @Test("A tenant that floods the mesh delays its own requests, not another's")
  func fairness() throws {
    var scenario = scenario(workers: 2)
    var flood = Workload()
    flood.requestCount = 400
    flood.arrivals = .atOnce
    var quiet = Workload()
    quiet.requestCount = 20
    quiet.arrivals = .poisson(perSecond: 1)
    let floods = flood.requests(seed: 4).map { request in
      var request = request
      request.tenant = 1
      return request
    }
    let others = quiet.requests(seed: 5).map { request in
      var request = request
      request.tenant = 2
      return request
    }
    scenario.requests = (floods + others).sorted {
      $0.arrivalMicroseconds < $1.arrivalMicroseconds
    }
    let report = try run(scenario)
    let waits = Dictionary(grouping: zip(scenario.requests, report.firstTokens)) { $0.0.tenant }
      .mapValues { Distribution($0.compactMap(\.1)).percentile(50) }
    #expect((waits[1] ?? 0) > 8 * (waits[2] ?? .infinity), "\(waits)")
  }

  @Test("Guesses make tokens sooner by how often they are right, and are counted as they turn out")
  func drafts() throws {
    func run(drafts: Int, acceptance: Double) throws -> SimulationReport {
      var scenario = scenario(workers: 1)
      scenario.settings.maxDraftTokens = drafts
      scenario.guesses.acceptance = acceptance
      var workload = Workload()
      workload.requestCount = 40
      workload.arrivals = .poisson(perSecond: 0.5)
      workload.meanOutputTokens = 128
      scenario.requests = workload.requests(seed: 8)
      return try self.run(scenario)
    }
    let none = try run(drafts: 0, acceptance: 1)
    #expect(none.draftedTokens == 0)
    let reports = try [0, 0.5, 0.9, 1].map { try run(drafts: 4, acceptance: $0) }
    for report in [none] + reports {
      #expect(report.count(.answered) == 40)
      #expect(report.outputTokens == none.outputTokens)
    }
    #expect(reports[0].draftedTokens > 1000)
    #expect(reports[0].acceptedDraftTokens == 0)
    // Of four guesses, p + p² + p³ + p⁴ are right; fewer where an answer ends.
    for (report, share) in zip(reports, [0, 0.234, 0.774, 1]) {
      let right = Double(report.acceptedDraftTokens) / Double(report.draftedTokens)
      #expect(abs(right - share) < 0.1, "\(right) of \(share)")
    }
    let times = reports.map(\.tokenSeconds.mean)
    #expect(times[0] > none.tokenSeconds.mean)
    #expect(times[1] < times[0] && times[2] < times[1] && times[3] < times[2], "\(times)")
    #expect(times[3] < none.tokenSeconds.mean / 1.5)
  }

  @Test("With a store, refusing early what is too late answers no fewer, and wastes less")
  func deadlines() throws {
    var scenario = scenario(workers: 2)
    for worker in scenario.workers.indices { scenario.workers[worker].storeBlockBytes = 368_640 }
    scenario.settings.usesStore = true
    var workload = Workload()
    workload.requestCount = 300
    workload.arrivals = .poisson(perSecond: 6)
    workload.sharedPrefixTokens = 400
    workload.prefixGroups = 20
    workload.meanPromptTokens = 300
    workload.meanOutputTokens = 8
    scenario.requests = workload.requests(seed: 9)
    for number in scenario.requests.indices {
      scenario.requests[number].timeoutMicroseconds = 150_000 * (1 + number % 8)
    }
    let told = try run(scenario)
    scenario.tellsDeadlines = false
    let untold = try run(scenario)
    #expect(untold.earlyRefusals.isEmpty)
    #expect(told.earlyRefusals.count > 10)
    #expect(told.count(.answered) >= untold.count(.answered))
    #expect(told.computedPositions < untold.computedPositions)
    for request in told.earlyRefusals.map({ scenario.requests[$0] }) {
      let length = request.prompt.tokenCount
      let alone = scenario.stepTime.microseconds(
        promptPositions: length,
        decodingSequences: 0,
        contextPositions: length * (length - 1) / 2
      )
      #expect(Double(request.timeoutMicroseconds) < 1.1 * alone, "\(request)")
    }
  }

  @Test("A worker that is lost costs its sequences little more than its detection")
  func recovery() throws {
    var scenario = scenario(workers: 4)
    var workload = Workload()
    workload.requestCount = 60
    workload.arrivals = .poisson(perSecond: 8)
    scenario.requests = workload.requests(seed: 6)
    scenario.faults = [
      TimedFault(at: 4_000_000, .crash(worker: 1, downMicroseconds: 30_000_000)),
      TimedFault(at: 6_000_000, .hang(worker: 2, microseconds: 5_000_000)),
    ]
    let report = try run(scenario)
    #expect(report.workerLosses == 2)
    #expect(report.count(.answered) == 60)
    // A second until the silence is noticed, and at most two until it goes on.
    #expect(report.longestGapSeconds.percentile(100) < 3)
  }

  @Test("Thousands of workers take what comes")
  func manyWorkers() throws {
    var scenario = scenario(workers: 4096, blocks: 64)
    var workload = Workload()
    workload.requestCount = 6000
    workload.arrivals = .poisson(perSecond: 6000)
    workload.meanOutputTokens = 8
    workload.maxTokens = 32
    workload.maxPromptTokens = 900
    scenario.requests = workload.requests(seed: 7)
    scenario.changesBetweenChecks = 20_000
    scenario.addFaults(50)
    let report = try run(scenario)
    #expect(report.count(.answered) == 6000)
  }
}
