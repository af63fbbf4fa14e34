import MeshTypes
import Scheduling
import Testing

/// Workers guess at random, rightly or wrongly; `FakeMesh` compares every token with what the sequence has
/// alone, and `FakeWorker` every position that is read with what was written there.
@Suite("Speculation")
struct SpeculationTests {
  private func mesh(
    drafts: Int = 4,
    inFlight: Int = 2,
    right: UInt64 = 10,
    _ capabilities: WorkerCapabilities = .fake(blocks: 256),
    _ change: (inout SchedulerSettings) -> Void = { _ in }
  ) throws -> FakeMesh {
    var settings = SchedulerSettings()
    settings.maxDraftTokens = drafts
    settings.maxPlansInFlight = inFlight
    settings.growthHorizonTokens = 0
    change(&settings)
    var mesh = try FakeMesh(settings)
    let epoch = try mesh.join(capabilities)
    mesh.links[epoch]?.worker.rightDrafts = right
    return mesh
  }

  private func limits(_ plans: [StepPlan], of id: UInt64) -> [Int?] {
    plans.flatMap(\.slices).filter { $0.sequence == SequenceID(id) }.map(\.draftLimit)
  }

  @Test("Without the setting nothing is left open")
  func off() throws {
    var mesh = try mesh(drafts: 0)
    try mesh.submit(.fake(1, prompt: 5, max: 20))
    try mesh.run()
    #expect(limits(mesh.plans, of: 1).allSatisfy { $0 == nil })
  }

  @Test("Right guesses save steps; each is counted", arguments: [1, 2, 3])
  func savedSteps(inFlight: Int) throws {
    var mesh = try mesh(inFlight: inFlight, right: 16)
    try mesh.submit(.fake(1, prompt: 5, max: 60))
    try mesh.run()
    let counters = mesh.core.statistics.counters
    #expect(mesh.output(1)?.count == 60)
    #expect(counters.acceptedDraftTokens > 20)
    #expect(counters.draftedTokens >= counters.acceptedDraftTokens)
    #expect(mesh.plans.flatMap(\.slices).count <= 60 - Int(counters.acceptedDraftTokens))
    try mesh.checkIdle()
  }

  @Test("Wrong guesses cost no token and no step", arguments: [1, 2, 3])
  func wrongGuesses(inFlight: Int) throws {
    var mesh = try mesh(inFlight: inFlight, right: 0)
    try mesh.submit(.fake(1, prompt: 5, max: 40))
    try mesh.run()
    #expect(mesh.core.statistics.counters.acceptedDraftTokens == 0)
    #expect(mesh.core.statistics.counters.draftedTokens > 10)
    #expect(mesh.plans.flatMap(\.slices).count == 40)
  }

  @Test("A sequence never gets further than its most tokens, whatever is in flight")
  func maxTokens() throws {
    for max in 1...12 {
      var mesh = try mesh(drafts: 8, inFlight: 3, right: 16)
      try mesh.submit(.fake(1, prompt: 5, max: max))
      try mesh.run()
      #expect(mesh.output(1)?.count == max)
    }
  }

  @Test("A stop token among right guesses ends the sequence; what comes after it is dropped")
  func stopInside() throws {
    var dropped = 0
    for id in 1...40 as ClosedRange<UInt64> {
      var mesh = try mesh(drafts: 8, inFlight: 1, right: 16)
      try mesh.submit(.fake(id, prompt: 5, max: 100, stops: [FakeModel.stopToken]))
      while !mesh.live.isEmpty {
        try mesh.plan()
        for epoch in mesh.links.keys { try mesh.execute(epoch) }
        let sampled = mesh.links.values.flatMap(\.results).flatMap(\.sampled).map(\.tokenID)
        if let stop = sampled.firstIndex(of: FakeModel.stopToken), stop < sampled.count - 1 {
          dropped += 1
        }
        for epoch in mesh.links.keys { try mesh.deliver(epoch) }
      }
      try mesh.round()
      try mesh.checkIdle()
    }
    #expect(dropped > 5)
  }

  @Test("Drafts take of the budget and of the places what decoding and prompts leave")
  func leftovers() throws {
    var mesh = try mesh(
      drafts: 8,
      inFlight: 1,
      .fake(blocks: 256, batchTokens: 10, batchSequences: 6)
    )
    try mesh.submit(.fake(1, prompt: 4, max: 30))
    try mesh.submit(.fake(2, prompt: 4, max: 30))
    while mesh.output(1)?.isEmpty != false || mesh.output(2)?.isEmpty != false { try mesh.round() }
    let alone = try #require(try mesh.plan().first)
    #expect(alone.slices.map(\.draftLimit) == [4, nil])
    for epoch in mesh.links.keys { try mesh.execute(epoch) }
    for epoch in mesh.links.keys { try mesh.deliver(epoch) }
    try mesh.submit(.fake(3, prompt: 30, max: 3))
    let mixed = try #require(try mesh.plan().first)
    #expect(mixed.slices.map(\.tokenCount) == [1, 1, 8])
    #expect(mixed.slices.allSatisfy { ($0.draftLimit ?? 0) == 0 })
    try mesh.run()
  }

  @Test("A worker with many sequences guesses for none")
  func manySequences() throws {
    var mesh = try mesh(inFlight: 1) { $0.maxSpeculatingSequences = 2 }
    for id in 1...3 as ClosedRange<UInt64> { try mesh.submit(.fake(id, prompt: 4, max: 20)) }
    for _ in 0..<8 { try mesh.round() }
    #expect(mesh.plans.flatMap(\.slices).allSatisfy { $0.draftLimit == nil })
    try mesh.cancel(SequenceID(3))
    try mesh.run()
    #expect(limits(mesh.plans, of: 1).contains { $0 ?? 0 > 0 })
  }

  @Test("Nobody gives way for the blocks of drafts")
  func noPreemption() throws {
    // Exactly what both need in the end.
    var mesh = try mesh(drafts: 8, right: 0, .fake(blocks: 48, blockSize: 1, batchTokens: 64)) {
      $0.watermarkFraction = 0
    }
    try mesh.submit(.fake(1, prompt: 5, max: 20))
    try mesh.submit(.fake(2, prompt: 5, max: 20))
    try mesh.run()
    #expect(mesh.core.statistics.counters.preemptions == 0)
  }

  @Test("One that gives way with drafts in flight takes their tokens all the same")
  func preempted() throws {
    var mesh = try mesh(drafts: 3, right: 16, .fake(blocks: 15, blockSize: 1, batchTokens: 64)) {
      $0.watermarkFraction = 0
    }
    try mesh.submit(.fake(1, prompt: 5, max: 10))
    try mesh.submit(.fake(2, prompt: 5, max: 10))
    try mesh.run()
    #expect(mesh.core.statistics.counters.preemptions > 0)
    #expect(mesh.output(1)?.count == 10)
    #expect(mesh.output(2)?.count == 10)
    try mesh.checkIdle()
  }

  @Test("More tokens than a slice may have fail its sequence alone")
  func tooMany() throws {
    var mesh = try mesh(drafts: 2, inFlight: 1)
    try mesh.submit(.fake(1, prompt: 5, max: 20))
    try mesh.submit(.fake(2, prompt: 5, max: 20))
    try mesh.round()
    let plan = try #require(try mesh.plan().first)
    let first = try #require(plan.slices.first)
    let epoch = plan.epoch
    try mesh.execute(epoch)
    var result = try #require(mesh.links[epoch]?.results.first)
    let extra = SampledToken(sequence: first.sequence, tokenID: 1)
    let place = result.sampled.firstIndex { $0.sequence == first.sequence } ?? 0
    for _ in 0...(first.draftLimit ?? 0) + 1 { result.sampled.insert(extra, at: place) }
    mesh.links[epoch]?.results = [result]
    try mesh.deliver(epoch)
    guard case .failed(.internalError, _) = mesh.endings[first.sequence] else {
      Issue.record("\(first.sequence) goes on: \(mesh.endings)")
      return
    }
    try mesh.run()
    #expect(mesh.live.isEmpty)
    #expect(mesh.endings.count == 2)
  }

  @Test("A suspect is computed without guesses, so that it is known how far it got")
  func suspects() throws {
    var mesh = try mesh(inFlight: 1)
    try mesh.submit(.fake(1, prompt: 5, max: 30))
    for _ in 0..<3 { try mesh.round() }
    let plans = try mesh.plan()
    let slice = try #require(plans.first?.slices.first)
    #expect(slice.draftLimit ?? 0 > 0)
    try mesh.lose(try #require(plans.first?.epoch))
    let furthest = slice.startPosition + 1 + (slice.draftLimit ?? 0)
    try mesh.join(.fake("other", blocks: 256))
    let known = mesh.plans.count
    try mesh.run()
    for slice in mesh.plans[known...].flatMap(\.slices) where slice.startPosition + 1 < furthest {
      #expect(slice.draftLimit == nil)
    }
    #expect(mesh.output(1)?.count == 30)
  }
}
