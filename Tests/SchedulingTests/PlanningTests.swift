import MeshTypes
import Scheduling
import Testing

@Suite("Planning")
struct PlanningTests {
  @Test("A prompt longer than the budget is computed in chunks and sampled once, at its end")
  func chunkedPrefill() throws {
    var mesh = try FakeMesh()
    try mesh.join(.fake(batchTokens: 8))
    try mesh.submit(.fake(1, prompt: 20, max: 1))
    try mesh.run()
    let slices = mesh.plans.flatMap(\.slices)
    #expect(slices.map(\.startPosition) == [0, 8, 16])
    #expect(slices.map(\.tokenCount) == [8, 8, 4])
    #expect(slices.map(\.samples) == [false, false, true])
    #expect(slices.map(\.newBlocks.count) == [5, 0, 0])
  }

  @Test("The cap leaves budget of every step to the prompts behind a long one")
  func prefillCap() throws {
    var settings = SchedulerSettings()
    settings.maxPrefillTokensPerSequencePerStep = 6
    var mesh = try FakeMesh(settings)
    try mesh.join(.fake(batchTokens: 10))
    try mesh.submit(.fake(1, prompt: 40, max: 2))
    try mesh.submit(.fake(2, prompt: 4, max: 2))
    let plan = try #require(try mesh.plan().first)
    #expect(plan.slices.map(\.sequence.rawValue) == [1, 2])
    #expect(plan.slices.map(\.tokenCount) == [6, 4])
    try mesh.run()
    #expect(mesh.plans.flatMap(\.slices).allSatisfy { $0.tokenCount <= 6 })
  }

  @Test("Sequences that decode come before prompts that began earlier")
  func decodeFirst() throws {
    var settings = SchedulerSettings()
    settings.maxPrefillTokensPerSequencePerStep = 4
    settings.maxPlansInFlight = 1
    var mesh = try FakeMesh(settings)
    try mesh.join(.fake(batchTokens: 8))
    try mesh.submit(.fake(1, prompt: 30, max: 2))
    try mesh.submit(.fake(2, prompt: 4, max: 3))
    try mesh.round()
    let plan = try #require(try mesh.plan().first)
    #expect(plan.slices.map(\.sequence.rawValue) == [2, 1])
    #expect(plan.slices.map(\.tokenCount) == [1, 4])
    try mesh.run()
  }

  @Test("A step takes at most the budget and the batch's places")
  func budget() throws {
    var mesh = try FakeMesh()
    let epoch = try mesh.join(.fake(batchTokens: 7, batchSequences: 3))
    for id in 1...9 as ClosedRange<UInt64> { try mesh.submit(.fake(id, prompt: 5, max: 5)) }
    try mesh.run()
    #expect(mesh.links[epoch]?.worker.largestBatchTokens == 7)
    #expect(mesh.plans.allSatisfy { $0.slices.count <= 3 })
  }

  @Test("The next plan is made before the result is there, over the token being sampled")
  func pipelining() throws {
    var mesh = try FakeMesh()
    try mesh.join(.fake())
    try mesh.submit(.fake(1, prompt: 3, max: 5))
    let plans = try mesh.plan()
    #expect(plans.map(\.step.rawValue) == [1, 2])
    #expect(plans[1].slices[0].startPosition == 3)
    #expect(plans[1].slices[0].samples)
    #expect(try mesh.plan().isEmpty)
    try mesh.run()
  }

  @Test("With one plan in flight each waits for the result of the one before")
  func noPipelining() throws {
    var settings = SchedulerSettings()
    settings.maxPlansInFlight = 1
    var mesh = try FakeMesh(settings)
    let epoch = try mesh.join(.fake())
    try mesh.submit(.fake(1, prompt: 3, max: 5))
    #expect(try mesh.plan().count == 1)
    try mesh.execute(epoch)
    #expect(try mesh.plan().isEmpty)
    try mesh.deliver(epoch)
    #expect(try mesh.plan().count == 1)
    try mesh.run()
  }

  @Test("Nothing is computed beyond the last token that may be produced")
  func neverBeyondTheLimit() throws {
    var mesh = try FakeMesh()
    try mesh.join(.fake())
    try mesh.submit(.fake(1, prompt: 3, max: 2))
    #expect(try mesh.plan().count == 2)
    try mesh.run()
    let slices = mesh.plans.flatMap(\.slices)
    #expect(slices.map { $0.startPosition + $0.tokenCount }.max() == 4)
    #expect(slices.count { $0.samples } == 2)
  }

  @Test("What was sampled after a stop token, by a plan made before it was known, is discarded")
  func stopToken() throws {
    let request = try #require(
      (1...200 as ClosedRange<UInt64>).lazy
        .map { SequenceRequest.fake($0, prompt: 4, max: 30, stops: [FakeModel.stopToken]) }
        .first { request in
          let output = FakeModel.output(
            of: request.promptTokenIDs,
            limits: request.limits,
            seed: request.sampling.seed
          )
          return output.last == FakeModel.stopToken && (2..<20).contains(output.count)
        }
    )
    var mesh = try FakeMesh()
    let epoch = try mesh.join(.fake())
    try mesh.submit(request)
    while mesh.endings.isEmpty {
      try mesh.plan()
      try mesh.execute(epoch)
      try mesh.deliver(epoch)
    }
    let sampled = mesh.plans.flatMap(\.slices).count { $0.samples }
    let output = try #require(mesh.outputs[request.id])
    #expect(sampled == output.count + 1)
    #expect(output.last == FakeModel.stopToken)
    #expect(mesh.freeBlocks == [64])
    guard case .finished(.stop, let usage) = mesh.endings[request.id] else {
      Issue.record("it must end by stop")
      return
    }
    #expect(usage.generatedTokens == output.count)
    try mesh.run()
    try mesh.checkIdle()
  }

  @Test("Idle workers get no plans, and one is planned for no more often than something happens")
  func nothingToDo() throws {
    var mesh = try FakeMesh()
    try mesh.join(.fake("a"))
    try mesh.join(.fake("b"))
    #expect(try mesh.plan().isEmpty)
    try mesh.submit(.fake(1, prompt: 3, max: 9))
    let home = try #require(mesh.plan().first?.epoch)
    #expect(try mesh.plan().isEmpty)
    try mesh.submit(.fake(2, prompt: 3, max: 9))
    let other = try mesh.plan()
    #expect(!other.isEmpty && other.allSatisfy { $0.epoch != home })
    try mesh.run()
    #expect(try mesh.plan().isEmpty)
  }

  @Test("Higher priority goes first, equals by arrival")
  func priorities() throws {
    var mesh = try FakeMesh()
    try mesh.join(.fake(batchSequences: 1))
    try mesh.submit(.fake(1, prompt: 3, max: 2))
    try mesh.submit(.fake(2, prompt: 3, max: 2))
    try mesh.submit(.fake(3, prompt: 3, max: 2, priority: 5))
    try mesh.submit(.fake(4, prompt: 3, max: 2, priority: 5))
    try mesh.run()
    #expect(mesh.plans.flatMap(\.starts).map(\.id.rawValue) == [3, 4, 1, 2])
  }

  @Test("A resubmitted prompt + tokens so far goes on with the same ids")
  func resumption() throws {
    let whole = SequenceRequest.fake(1, prompt: 6, max: 12)
    let output = FakeModel.output(of: whole.promptTokenIDs, limits: whole.limits, seed: 1)
    var mesh = try FakeMesh()
    try mesh.join(.fake())
    try mesh.submit(
      .fake(1, tokens: whole.promptTokenIDs + output.prefix(5), max: 7)
    )
    try mesh.run()
    #expect(mesh.output(1) == Array(output.dropFirst(5)))
  }
}
