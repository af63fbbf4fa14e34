import MeshTypes
import Scheduling
import Testing

/// Sequences and the KV store. Every load pays: a block has few bytes.
@Suite("The KV store")
struct StoreTests {
  func mesh(
    _ workers: [WorkerCapabilities] = [.fake(storeBlockBytes: 100)],
    _ change: (inout SchedulerSettings) -> Void = { _ in }
  ) throws -> FakeMesh {
    var settings = SchedulerSettings()
    settings.usesStore = true
    settings.growthHorizonTokens = 0
    settings.watermarkFraction = 0
    change(&settings)
    var mesh = try FakeMesh(settings)
    for worker in workers { try mesh.join(worker) }
    return mesh
  }

  private func store(_ mesh: FakeMesh) -> StoreCounters { mesh.core.statistics.counters.store }

  /// Has a worker compute a prompt, and then leave: what is left of it is in the store.
  private func compute(_ request: SequenceRequest, in mesh: inout FakeMesh) throws {
    try mesh.submit(request)
    try mesh.run()
    let epochs = mesh.links.keys.sorted()
    for epoch in epochs { try mesh.leave(epoch) }
    try mesh.join(.fake("fresh", storeBlockBytes: 100))
  }

  @Test("A prompt that another worker computed is fetched, but for its last token")
  func prefixFromStore() throws {
    var mesh = try mesh()
    try compute(.fake(1, prompt: 40, max: 4), in: &mesh)
    try mesh.submit(.fake(2, tokens: mesh.requests[SequenceID(1)]?.promptTokenIDs ?? [], max: 4))
    try mesh.run()
    // 40 tokens are 10 blocks of 4; the last token is always computed, so 9 blocks are of use.
    #expect(store(mesh).fetchedTokens == 36)
    #expect(mesh.usage(2)?.cachedPromptTokens == 36)
    #expect(store(mesh).decisions == [.init(action: .fetch, reason: .faster): 1])
  }

  @Test("Tenants of different salts never get each other's blocks, those of the same do")
  func tenants() throws {
    var mesh = try mesh()
    try compute(.fake(1, prompt: 40, max: 4, salt: [1]), in: &mesh)
    let prompt = mesh.requests[SequenceID(1)]?.promptTokenIDs ?? []
    try mesh.submit(.fake(2, tokens: prompt, max: 4, salt: [2]))
    try mesh.submit(.fake(3, tokens: prompt, max: 4))
    try mesh.run()
    #expect(store(mesh).fetchedTokens == 0)
    try mesh.submit(.fake(4, tokens: prompt, max: 4, salt: [1]))
    try mesh.run()
    #expect(store(mesh).fetchedTokens == 36)
  }

  @Test("While blocks are fetched, nothing of the sequence is computed and others run in its place")
  func noBatchSeat() throws {
    var mesh = try mesh([.fake(batchSequences: 1, storeBlockBytes: 100)])
    try compute(.fake(1, prompt: 40, max: 4), in: &mesh)
    let epoch = try #require(mesh.links.keys.first)
    try mesh.submit(.fake(2, tokens: mesh.requests[SequenceID(1)]?.promptTokenIDs ?? [], max: 4))
    try mesh.answerQuery()
    try mesh.plan()
    try mesh.execute(epoch)
    #expect(mesh.links[epoch]?.worker.loads.count == 1)
    try mesh.deliver(epoch)
    try mesh.submit(.fake(3, prompt: 8, max: 2))
    try mesh.answerQuery()
    let plans = try mesh.plan()
    #expect(Set(plans.flatMap(\.slices).map(\.sequence)) == [SequenceID(3)])
    try mesh.run()
    #expect(mesh.output(2)?.count == 4)
  }

  @Test("A load is given before there is a place in a batch")
  func prefetchesBeforeThereIsAPlace() throws {
    var mesh = try mesh([.fake(storeBlockBytes: 100)])
    try compute(.fake(1, prompt: 40, max: 4), in: &mesh)
    let full = mesh.links.keys.sorted()
    for epoch in full { try mesh.leave(epoch) }
    let epoch = try mesh.join(.fake("busy", batchSequences: 1, storeBlockBytes: 100))
    try mesh.submit(.fake(2, prompt: 8, max: 20))
    try mesh.round()
    try mesh.submit(.fake(3, tokens: mesh.requests[SequenceID(1)]?.promptTokenIDs ?? [], max: 4))
    try mesh.answerQuery()
    try mesh.plan()
    while mesh.links[epoch]?.plans.isEmpty == false { try mesh.execute(epoch) }
    #expect(mesh.links[epoch]?.worker.loads.count == 1)
    try mesh.run()
  }

  @Test("What a load does not bring is computed; blocks that it brought are kept")
  func partialLoad() throws {
    var mesh = try mesh()
    try compute(.fake(1, prompt: 40, max: 4), in: &mesh)
    let epoch = try #require(mesh.links.keys.first)
    try mesh.submit(.fake(2, tokens: mesh.requests[SequenceID(1)]?.promptTokenIDs ?? [], max: 4))
    try mesh.answerQuery()
    try mesh.plan()
    try mesh.execute(epoch)
    let load = try #require(mesh.links[epoch]?.worker.loads.keys.first)
    try mesh.endLoad(epoch, load, limit: 3)
    try mesh.run()
    #expect(store(mesh).fetchedTokens == 12)
    #expect(store(mesh).failedTokens == 24)
    #expect(mesh.usage(2)?.cachedPromptTokens == 12)
  }

  @Test("Blocks that a cancelled sequence's load may still write to are given to nobody")
  func abandonedLoad() throws {
    var mesh = try mesh()
    try compute(.fake(1, prompt: 40, max: 4), in: &mesh)
    let epoch = try #require(mesh.links.keys.first)
    try mesh.submit(.fake(2, tokens: mesh.requests[SequenceID(1)]?.promptTokenIDs ?? [], max: 4))
    try mesh.answerQuery()
    try mesh.plan()
    try mesh.execute(epoch)
    try mesh.cancel(SequenceID(2))
    #expect(mesh.freeBlocks == [64 - 9])
    try mesh.plan()
    try mesh.execute(epoch)
    #expect(mesh.links[epoch]?.worker.cancelledLoads.count == 1)
    let load = try #require(mesh.links[epoch]?.worker.loads.keys.first)
    try mesh.endLoad(epoch, load)
    try mesh.run()
    try mesh.checkIdle()
  }

  @Test("A load that no plan has told the worker yet is taken back at once")
  func unsentLoad() throws {
    var mesh = try mesh([.fake(storeBlockBytes: 100)]) { $0.maxPlansInFlight = 1 }
    try compute(.fake(1, prompt: 40, max: 4), in: &mesh)
    try mesh.submit(.fake(2, prompt: 8, max: 20))
    while mesh.output(2)?.isEmpty == true { try mesh.round() }
    try mesh.plan()
    let other = try mesh.join(.fake("other", blocks: 4, storeBlockBytes: 100))
    try mesh.submit(.fake(3, tokens: mesh.requests[SequenceID(1)]?.promptTokenIDs ?? [], max: 4))
    try mesh.answerQuery()
    // Dispatched while another worker is planned for; its own plan has to wait.
    try mesh.plan()
    try mesh.cancel(SequenceID(3))
    try mesh.lose(other)
    try mesh.run()
    #expect(store(mesh).fetchedTokens == 0)
    try mesh.checkIdle()
  }

  @Test("Two long sequences that do not fit together take turns through the store")
  func swap() throws {
    var mesh = try mesh([.fake(blocks: 16, blockSize: 4, storeBlockBytes: 100)])
    try mesh.submit(.fake(1, prompt: 20, max: 36))
    try mesh.submit(.fake(2, prompt: 20, max: 36))
    try mesh.run()
    #expect(store(mesh).swapOuts > 0)
    #expect(store(mesh).swapIns > 0)
    #expect(mesh.output(1)?.count == 36)
    #expect(mesh.output(2)?.count == 36)
  }

  @Test("With writes for preempted sequences alone, nothing is stored before one is preempted")
  func storesPreempted() throws {
    var mesh = try mesh([.fake(blocks: 16, blockSize: 4, storeBlockBytes: 100)]) {
      $0.storeWrites = .preempted
    }
    try mesh.submit(.fake(1, prompt: 20, max: 10))
    try mesh.run()
    #expect(store(mesh).storedBlocks == 0)
    try mesh.submit(.fake(2, prompt: 20, max: 36))
    try mesh.submit(.fake(3, prompt: 20, max: 36))
    try mesh.run()
    #expect(store(mesh).storedBlocks > 0)
    #expect(store(mesh).swapIns > 0)
  }

  @Test("A store that does not answer is a miss; one that is not there is not asked")
  func lostStore() throws {
    var mesh = try mesh()
    try mesh.submit(.fake(1, prompt: 20, max: 4))
    #expect(mesh.queries.count == 1)
    try mesh.plan()
    #expect(mesh.plans.isEmpty, "it waits for the answer")
    try mesh.answerQuery(isLost: true)
    try mesh.run()
    #expect(store(mesh).failedLookups == 1)
    var alone = try self.mesh([.fake()])
    try alone.submit(.fake(1, prompt: 20, max: 4))
    try alone.run()
    #expect(store(alone).lookups == 0)
    #expect(store(alone).storedBlocks == 0)
  }

  @Test("Prompts are computed by workers for prompts, and go on on those for decoding")
  func roles() throws {
    var mesh = try mesh([
      .fake("prompts", storeBlockBytes: 100, role: .prefill),
      .fake("decoding", storeBlockBytes: 100, role: .decode),
    ])
    let epochs = mesh.links.keys.sorted()
    try mesh.submit(.fake(1, prompt: 40, max: 20))
    try mesh.run()
    let counters = mesh.core.statistics.counters
    #expect(counters.handovers == 1)
    #expect(counters.preemptions == 0)
    #expect(counters.store.fetchedTokens == 40)
    let decoded = mesh.plans.filter { $0.epoch == epochs[1] }.flatMap(\.slices)
    #expect(decoded.allSatisfy { $0.startPosition >= 40 })
    #expect(mesh.output(1)?.count == 20)
  }

  @Test("What a worker for prompts computes is stored by the steps that compute it")
  func storesAsComputed() throws {
    var mesh = try mesh([
      .fake("prompts", storeBlockBytes: 100, role: .prefill),
      .fake("decoding", storeBlockBytes: 100, role: .decode),
    ]) { $0.maxPrefillTokensPerSequencePerStep = 14 }
    let epochs = mesh.links.keys.sorted()
    try mesh.submit(.fake(1, prompt: 40, max: 20))
    try mesh.run()
    let stores = mesh.plans.filter { $0.epoch == epochs[0] && !$0.stores.isEmpty }.map(\.stores)
    // 14, 28 and 40 tokens are 3, 7 and 10 blocks of 4.
    #expect(stores.map { $0.map(\.blocks.count) } == [[3], [4], [3]])
    #expect(stores.joined().map(\.isAsComputed) == [true, true, true])
    let others = mesh.plans.filter { $0.epoch == epochs[1] }.flatMap(\.stores)
    #expect(!others.isEmpty)
    #expect(others.filter(\.isAsComputed).isEmpty)
  }

  @Test("What others have in the worker's blocks is not stored again")
  func storesAsComputedOnce() throws {
    var mesh = try mesh([.fake("prompts", storeBlockBytes: 100, role: .prefill)])
    try mesh.submit(.fake(1, prompt: 40, max: 1))
    try mesh.run()
    mesh.store.removeAll()
    try mesh.submit(.fake(2, tokens: mesh.requests[SequenceID(1)]?.promptTokenIDs ?? [], max: 1))
    try mesh.run()
    #expect(mesh.plans.flatMap(\.stores).flatMap(\.blocks).count == 10)
  }

  @Test("Without a worker for decoding, one for prompts does everything")
  func rolesWithoutPool() throws {
    var mesh = try mesh([.fake("prompts", storeBlockBytes: 100, role: .prefill)])
    try mesh.submit(.fake(1, prompt: 40, max: 20))
    try mesh.run()
    #expect(mesh.core.statistics.counters.handovers == 0)
    #expect(mesh.output(1)?.count == 20)
  }
}
