import MeshTypes
import Scheduling
import Testing

/// All on one worker whose blocks run out. Block size 1 makes the arithmetic plain: a sequence
/// holds one block for every position computed.
@Suite("Preemption")
struct PreemptionTests {
  func mesh(
    blocks: Int,
    inFlight: Int = 1,
    watermark: Double = 0,
    horizon: Int = 0
  ) throws -> FakeMesh {
    var settings = SchedulerSettings()
    settings.growthHorizonTokens = horizon
    settings.maxPlansInFlight = inFlight
    settings.watermarkFraction = watermark
    var mesh = try FakeMesh(settings)
    try mesh.join(.fake(blocks: blocks, blockSize: 1, batchTokens: 64))
    return mesh
  }

  /// Rounds until someone is preempted, and who that is.
  func firstVictim(in mesh: inout FakeMesh) throws -> UInt64? {
    while mesh.core.statistics.counters.preemptions == 0 {
      guard !mesh.live.isEmpty else { return nil }
      try mesh.round()
    }
    let ended = Set(mesh.endings.keys)
    return mesh.plans.last { !$0.releases.isEmpty }?.releases
      .first { !ended.contains($0) }?.rawValue
  }

  @Test("The one with the fewest computed tokens gives way")
  func leastSunkCost() throws {
    var mesh = try mesh(blocks: 24)
    try mesh.submit(.fake(1, prompt: 8, max: 12))
    try mesh.submit(.fake(2, prompt: 2, max: 12))
    try mesh.submit(.fake(3, prompt: 6, max: 12))
    #expect(try firstVictim(in: &mesh) == 2)
    try mesh.run()
    #expect(mesh.usage(2)?.preemptions ?? 0 >= 1)
    #expect(mesh.output(2)?.count == 12)
    try mesh.checkIdle()
  }

  @Test("Least priority gives way before least sunk cost")
  func leastPriority() throws {
    var mesh = try mesh(blocks: 24)
    try mesh.submit(.fake(1, prompt: 8, max: 12, priority: 1))
    try mesh.submit(.fake(2, prompt: 2, max: 12, priority: 1))
    try mesh.submit(.fake(3, prompt: 6, max: 12))
    #expect(try firstVictim(in: &mesh) == 3)
    try mesh.run()
  }

  @Test("Among equals the youngest gives way")
  func youngest() throws {
    var mesh = try mesh(blocks: 12)
    for id in 1...3 as ClosedRange<UInt64> { try mesh.submit(.fake(id, prompt: 3, max: 8)) }
    #expect(try firstVictim(in: &mesh) == 3)
    try mesh.run()
  }

  @Test("The first-ranked sequence never gives way, though it has computed least")
  func firstIsSafe() throws {
    var mesh = try mesh(blocks: 20)
    try mesh.submit(.fake(1, prompt: 1, max: 15))
    try mesh.submit(.fake(2, prompt: 8, max: 8))
    try mesh.submit(.fake(3, prompt: 7, max: 8))
    try mesh.run()
    #expect(mesh.usage(1)?.preemptions == 0)
    #expect(mesh.core.statistics.counters.preemptions > 0)
  }

  @Test("The preempted one resumes before those that came after it, with its tokens kept")
  func frontOfTheQueue() throws {
    var mesh = try mesh(blocks: 20)
    try mesh.submit(.fake(1, prompt: 8, max: 10))
    try mesh.submit(.fake(2, prompt: 6, max: 10))
    try mesh.round()
    for id in 3...5 as ClosedRange<UInt64> { try mesh.submit(.fake(id, prompt: 7, max: 2)) }
    #expect(try firstVictim(in: &mesh) == 2)
    let kept = try #require(mesh.output(2))
    #expect(!kept.isEmpty)
    try mesh.run()
    let starts = mesh.plans.flatMap(\.starts)
    #expect(starts.map(\.id.rawValue).prefix(4) == [1, 2, 2, 3])
    #expect(starts[2].tokenIDs.count >= 6 + kept.count)
    #expect(starts[2].generatedTokenCount == starts[2].tokenIDs.count - 6)
  }

  @Test("A token sampled by the plan in flight when its sequence gave way is not lost")
  func tokenInFlight() throws {
    var mesh = try mesh(blocks: 15, inFlight: 2)
    try mesh.submit(.fake(1, prompt: 5, max: 10))
    try mesh.submit(.fake(2, prompt: 5, max: 10))
    while mesh.core.statistics.counters.preemptions == 0 { try mesh.round() }
    let before = mesh.output(2)?.count ?? 0
    let stays = mesh.plans.flatMap(\.starts).count
    while mesh.plans.flatMap(\.starts).count == stays { try mesh.round() }
    let resumed = try #require(mesh.plans.flatMap(\.starts).last)
    #expect(resumed.id.rawValue == 2)
    #expect(resumed.tokenIDs.count >= 5 + before)
    try mesh.run()
    try mesh.checkIdle()
  }

  @Test("The watermark is kept free when sequences are admitted, not when they grow")
  func watermark() throws {
    var mesh = try mesh(blocks: 20, watermark: 0.25)
    try mesh.submit(.fake(1, prompt: 8, max: 13))
    try mesh.submit(.fake(2, prompt: 8, max: 2))
    try mesh.submit(.fake(3, prompt: 7, max: 2))
    try mesh.plan()
    // 8 of 20 are taken; 8 more would leave 4, but 5 must stay; and nobody passes the second.
    #expect(mesh.core.statistics.runningSequences == 1)
    try mesh.run()
    // The first grew into all 20.
    #expect(mesh.core.statistics.counters.preemptions == 0)
    #expect(mesh.output(1)?.count == 13)
  }

  @Test("Nobody is admitted into the blocks that running sequences are expected to need soon")
  func growthHorizon() throws {
    var mesh = try mesh(blocks: 20, horizon: 6)
    try mesh.submit(.fake(1, prompt: 6, max: 13))
    try mesh.submit(.fake(2, prompt: 9, max: 2))
    try mesh.submit(.fake(3, prompt: 1, max: 2))
    try mesh.plan()
    // The first has 6 of 20 blocks and soon needs 6 more: the second's 9 are not there.
    #expect(mesh.core.statistics.runningSequences == 1)
    try mesh.run()
    #expect(mesh.core.statistics.counters.preemptions == 0)

    var tight = try self.mesh(blocks: 20, horizon: 5)
    try tight.submit(.fake(1, prompt: 6, max: 13))
    try tight.submit(.fake(2, prompt: 9, max: 2))
    try tight.plan()
    #expect(tight.core.statistics.runningSequences == 2)
    try tight.run()
  }

  @Test("No more is kept than a sequence can still need")
  func growthOfAShortSequence() throws {
    var mesh = try mesh(blocks: 20, horizon: 100)
    try mesh.submit(.fake(1, prompt: 6, max: 5))
    try mesh.submit(.fake(2, prompt: 10, max: 2))
    try mesh.plan()
    // The first ends with 10 positions computed.
    #expect(mesh.core.statistics.runningSequences == 2)
    try mesh.run()
    #expect(mesh.core.statistics.counters.preemptions == 0)
  }

  @Test("An idle worker takes what fits, whatever the watermark")
  func watermarkOfAnIdleWorker() throws {
    var mesh = try mesh(blocks: 10, watermark: 1)
    try mesh.submit(.fake(1, prompt: 10, max: 1))
    try mesh.submit(.fake(2, prompt: 10, max: 1))
    try mesh.run()
    #expect(mesh.endings.count == 2)
  }

  @Test("Sequences of which only one fits at a time all end")
  func severePressure() throws {
    for inFlight in 1...2 {
      var mesh = try mesh(blocks: 12, inFlight: inFlight)
      for id in 1...12 as ClosedRange<UInt64> { try mesh.submit(.fake(id, prompt: 1, max: 12)) }
      try mesh.run(maxRounds: 400)
      #expect(mesh.endings.count == 12)
      #expect(mesh.core.statistics.counters.preemptions > 0)
      try mesh.checkIdle()
    }
  }

  @Test("No sequence gives way more often than it may", arguments: 0...3)
  func bound(most: Int) throws {
    var settings = SchedulerSettings()
    settings.growthHorizonTokens = 0
    settings.watermarkFraction = 0
    settings.maxPreemptions = most
    var mesh = try FakeMesh(settings)
    try mesh.join(.fake(blocks: 24, blockSize: 1, batchTokens: 64))
    for id in 1...20 as ClosedRange<UInt64> { try mesh.submit(.fake(id, prompt: 2, max: 16)) }
    try mesh.run()
    let preemptions = (1...20).map { mesh.usage($0)?.preemptions ?? 99 }
    #expect(preemptions.max() ?? 99 <= most)
    #expect((preemptions.max() ?? 0 > 0) == (most > 0))
    try mesh.checkIdle()
  }
}
