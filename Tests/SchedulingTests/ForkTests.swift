import MeshTypes
import Scheduling
import Testing

/// Several outputs of one prompt: sequences with equal tokens that differ in their seeds.
@Suite("Forks of a prompt")
struct ForkTests {
  /// Three blocks of 4, and 3 tokens.
  let prompt: [TokenID] = (0..<15).map { $0 * 5 % 61 }

  private func mesh(
    blocks: Int = 64,
    batchTokens: Int = 32,
    _ change: (inout SchedulerSettings) -> Void = { _ in }
  ) throws -> FakeMesh {
    var settings = SchedulerSettings()
    change(&settings)
    var mesh = try FakeMesh(settings)
    try mesh.join(.fake(blocks: blocks, blockSize: 4, batchTokens: batchTokens))
    return mesh
  }

  private func copies(_ mesh: FakeMesh) -> [BlockCopy] { mesh.plans.flatMap(\.copies) }

  /// Positions computed before the first token of each of so many sequences.
  private func promptPositions(_ mesh: FakeMesh, tokensEach: Int, of count: Int) -> Int {
    mesh.plans.reduce(0) { $0 + $1.tokenCount } - (tokensEach - 1) * count
  }

  @Test("compute its full blocks once, and the rest too: each but the first computes one token")
  func once() throws {
    var mesh = try mesh()
    for id in 1...4 as ClosedRange<UInt64> { try mesh.submit(.fake(id, tokens: prompt, max: 6)) }
    try mesh.run()
    #expect(promptPositions(mesh, tokensEach: 6, of: 4) == 15 + 3)
    #expect((1...4).map { mesh.usage($0)?.cachedPromptTokens } == [0, 14, 14, 14])
    #expect(copies(mesh).map(\.tokenCount) == [2, 2, 2])
    #expect(Set(copies(mesh).map(\.destination)).count == 3)
    #expect(mesh.core.statistics.counters.copiedTails == 3)
    #expect(mesh.core.statistics.counters.copiedTokens == 6)
    try mesh.checkIdle()
  }

  @Test("wait for a prompt that fills no block, too")
  func short() throws {
    var mesh = try mesh()
    for id in 1...4 as ClosedRange<UInt64> {
      try mesh.submit(.fake(id, tokens: [1, 2, 3], max: 3))
    }
    let first = try #require(try mesh.plan().first)
    #expect(first.slices.map(\.sequence.rawValue) == [1])
    try mesh.run()
    #expect(promptPositions(mesh, tokensEach: 3, of: 4) == 3 + 3)
  }

  @Test("have nothing to copy where all but the last token fills blocks")
  func even() throws {
    var mesh = try mesh()
    for id in 1...3 as ClosedRange<UInt64> {
      try mesh.submit(.fake(id, tokens: Array(prompt.prefix(13)), max: 3))
    }
    try mesh.run()
    #expect(copies(mesh).isEmpty)
    #expect(promptPositions(mesh, tokensEach: 3, of: 3) == 13 + 2)
  }

  @Test("copy as far as their tokens agree, from the one with which they agree most")
  func longestMatch() throws {
    var mesh = try mesh { $0.awaitsSharedPrefixes = false }
    try mesh.submit(.fake(1, tokens: [1, 2, 3, 4, 5, 9, 9], max: 9))
    try mesh.submit(.fake(2, tokens: [1, 2, 3, 4, 5, 6, 9], max: 9))
    for _ in 0..<2 { try mesh.round() }
    try mesh.submit(.fake(3, tokens: [1, 2, 3, 4, 5, 6, 7, 8], max: 9))
    let plan = try #require(try mesh.plan().first { !$0.copies.isEmpty })
    #expect(plan.copies.map(\.tokenCount) == [2])
    let slice = try #require(plan.slices.first { $0.sequence == SequenceID(3) })
    #expect(slice.startPosition == 6)
    #expect(plan.newBlocks(of: slice).last == plan.copies[0].destination)
    try mesh.run()
  }

  @Test("of the same tokens after another history, or of another tenant, copy nothing")
  func otherHistory() throws {
    var mesh = try mesh()
    try mesh.submit(.fake(1, tokens: [1, 2, 3, 4, 5, 6, 7], max: 20))
    for _ in 0..<2 { try mesh.round() }
    try mesh.submit(.fake(2, tokens: [1, 2, 3, 9, 5, 6, 7], max: 3))
    try mesh.submit(.fake(3, tokens: [1, 2, 3, 4, 5, 6, 7], max: 3, salt: [1]))
    try mesh.submit(.fake(4, tokens: [1, 2, 3, 4, 5, 6, 7], max: 3, salt: [2]))
    try mesh.run()
    // Of the first block the second sequence may have what is before the difference.
    #expect(copies(mesh).map(\.tokenCount) == [3])
    #expect((3...4).map { mesh.usage($0)?.cachedPromptTokens } == [0, 0])
  }

  @Test("copy from one that has long gone on, but not what it has written since")
  func later() throws {
    var mesh = try mesh()
    try mesh.submit(.fake(1, tokens: prompt, max: 20))
    for _ in 0..<8 { try mesh.round() }
    try mesh.submit(.fake(2, tokens: prompt, max: 20))
    try mesh.run()
    #expect(mesh.usage(2)?.cachedPromptTokens == 14)
  }

  @Test("copy in the plan that also releases the one they copy from and gives its block away")
  func sourceLeaves() throws {
    var mesh = try mesh { $0.maxPlansInFlight = 1 }
    let epoch = try #require(mesh.links.keys.first)
    try mesh.submit(.fake(1, tokens: prompt, max: 20))
    try mesh.round()
    // While a plan is in flight, whoever is admitted is told by the next.
    try mesh.plan()
    try mesh.submit(.fake(2, tokens: prompt, max: 20))
    try mesh.plan()
    try mesh.cancel(SequenceID(1))
    try mesh.submit(.fake(3, tokens: [60, 59, 58], max: 20))
    try mesh.plan()
    try mesh.execute(epoch)
    try mesh.deliver(epoch)
    let plan = try #require(try mesh.plan().first)
    #expect(plan.releases == [SequenceID(1)])
    let source = try #require(plan.copies.first?.source)
    let taker = try #require(plan.slices.first { $0.sequence == SequenceID(3) })
    #expect(plan.newBlocks(of: taker) == [source])
    try mesh.run()
    #expect(mesh.usage(2)?.cachedPromptTokens == 14)
    try mesh.checkIdle()
  }

  @Test("that end before they are told take their copy back")
  func cancelled() throws {
    var mesh = try mesh { $0.maxPlansInFlight = 1 }
    let epoch = try #require(mesh.links.keys.first)
    try mesh.submit(.fake(1, tokens: prompt, max: 20))
    try mesh.round()
    try mesh.plan()
    try mesh.submit(.fake(2, tokens: prompt, max: 20))
    try mesh.plan()
    try mesh.cancel(SequenceID(2))
    try mesh.execute(epoch)
    try mesh.deliver(epoch)
    try mesh.run()
    #expect(copies(mesh).isEmpty)
    try mesh.checkIdle()
  }

  @Test("give way to each other and end all the same")
  func preempted() throws {
    var mesh = try mesh(blocks: 14) {
      $0.growthHorizonTokens = 0
      $0.watermarkFraction = 0
    }
    for id in 1...4 as ClosedRange<UInt64> { try mesh.submit(.fake(id, tokens: prompt, max: 20)) }
    try mesh.run()
    #expect(mesh.core.statistics.counters.preemptions > 0)
    #expect(mesh.core.statistics.counters.copiedTails >= 3)
    try mesh.checkIdle()
  }

  @Test("go on by themselves where copying is switched off")
  func off() throws {
    var mesh = try mesh { $0.copiesSharedTails = false }
    for id in 1...4 as ClosedRange<UInt64> { try mesh.submit(.fake(id, tokens: prompt, max: 6)) }
    try mesh.run()
    #expect(copies(mesh).isEmpty)
    #expect(promptPositions(mesh, tokensEach: 6, of: 4) == 15 + 3 * 3)
  }
}
