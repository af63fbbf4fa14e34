import MeshTypes
import Scheduling
import Testing

@Suite("Prefix hits")
struct PrefixHitTests {
  let shared: [TokenID] = (0..<12).map { $0 * 5 % 61 }

  @Test("Full blocks of an earlier sequence are not computed again, though it has ended")
  func hitAfterTheEnd() throws {
    var mesh = try FakeMesh()
    try mesh.join(.fake(blockSize: 4))
    try mesh.submit(.fake(1, tokens: shared + [1, 2], max: 1))
    try mesh.run()
    try mesh.submit(.fake(2, tokens: shared + [3], max: 1))
    let plan = try #require(try mesh.plan().first)
    #expect(plan.slices[0].startPosition == 12)
    #expect(plan.slices[0].tokenCount == 1)
    #expect(plan.slices[0].newBlocks.count == 4)
    try mesh.run()
    #expect(mesh.usage(2)?.cachedPromptTokens == 12)
    #expect(mesh.core.statistics.counters.prefixHitTokens == 12)
  }

  @Test("The last token is always computed, even when its block is cached")
  func lastTokenIsComputed() throws {
    var mesh = try FakeMesh()
    try mesh.join(.fake(blockSize: 4))
    try mesh.submit(.fake(1, tokens: shared, max: 1))
    try mesh.run()
    try mesh.submit(.fake(2, tokens: shared, max: 1))
    let plan = try #require(try mesh.plan().first)
    #expect(plan.slices[0].startPosition == 8)
    try mesh.run()
  }

  @Test("Produced tokens are cached like prompts")
  func conversation() throws {
    var mesh = try FakeMesh()
    try mesh.join(.fake(blockSize: 4))
    try mesh.submit(.fake(1, tokens: shared, max: 9))
    try mesh.run()
    let turn = shared + (mesh.output(1) ?? [])
    try mesh.submit(.fake(2, tokens: turn + [1, 2, 3], max: 1))
    try mesh.run()
    // 21 tokens are known, 20 computed.
    #expect(mesh.usage(2)?.cachedPromptTokens == 20)
  }

  @Test("A block is no hit before the step that fills it is complete")
  func notBeforeCompletion() throws {
    var settings = SchedulerSettings()
    settings.awaitsSharedPrefixes = false
    var mesh = try FakeMesh(settings)
    let epoch = try mesh.join(.fake(blockSize: 4))
    try mesh.submit(.fake(1, tokens: shared + [1], max: 4))
    try mesh.plan()
    try mesh.submit(.fake(2, tokens: shared + [2], max: 4))
    try mesh.execute(epoch)
    try mesh.cancel(SequenceID(1))
    try mesh.deliver(epoch)
    try mesh.run()
    #expect(mesh.usage(2)?.cachedPromptTokens == 0)
  }

  @Test("A sequence waits for a prefix that another one is computing, and others pass it")
  func awaitsSharedPrefix() throws {
    var mesh = try FakeMesh()
    try mesh.join(.fake(blockSize: 4, batchTokens: 40))
    try mesh.submit(.fake(1, tokens: shared + [1], max: 4))
    try mesh.submit(.fake(2, tokens: shared + [2], max: 4))
    try mesh.submit(.fake(3, prompt: 5, max: 4))
    let plan = try #require(try mesh.plan().first)
    #expect(plan.slices.map(\.sequence.rawValue) == [1, 3])
    try mesh.run()
    #expect(mesh.usage(2)?.cachedPromptTokens == 12)
  }

  @Test("When the one that computes the shared prefix is cancelled, the next computes it")
  func sharedPrefixAbandoned() throws {
    var mesh = try FakeMesh()
    try mesh.join(.fake(blockSize: 4))
    try mesh.submit(.fake(1, tokens: shared + [1], max: 4))
    try mesh.submit(.fake(2, tokens: shared + [2], max: 4))
    try mesh.plan()
    try mesh.cancel(SequenceID(1))
    try mesh.run()
    #expect(mesh.output(2)?.count == 4)
  }

  @Test("Tenants with different salts share nothing, those with the same do")
  func salts() throws {
    var mesh = try FakeMesh()
    try mesh.join(.fake(blockSize: 4))
    for (id, salt) in [(1, [1]), (2, [2]), (3, [1]), (4, [])] as [(UInt64, [UInt8])] {
      try mesh.submit(.fake(id, tokens: shared + [1], max: 1, salt: salt))
      try mesh.run()
    }
    #expect((1...4).map { mesh.usage($0)?.cachedPromptTokens } == [0, 0, 12, 0])
  }

  @Test("Cached blocks are given up for new content, the longest unused first")
  func eviction() throws {
    var mesh = try FakeMesh()
    try mesh.join(.fake(blocks: 8, blockSize: 4))
    try mesh.submit(.fake(1, prompt: 13, max: 1))
    try mesh.run()
    try mesh.submit(.fake(2, prompt: 13, max: 1))
    try mesh.run()
    try mesh.submit(.fake(3, prompt: 9, max: 1))
    try mesh.run()
    // 6 cached, 2 without a key: the third needed 3, so one tail went, that of the first.
    #expect(mesh.core.statistics.workers[0].evictedBlocks == 1)
    try mesh.submit(
      .fake(4, tokens: SequenceRequest.fake(1, prompt: 13, max: 1).promptTokenIDs, max: 1)
    )
    try mesh.run()
    #expect(mesh.usage(4)?.cachedPromptTokens == 8)
  }
}
