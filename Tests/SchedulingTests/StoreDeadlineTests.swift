import MeshTypes
import Scheduling
import Testing

/// With a KV store, what cannot end in time is refused as soon as the store's answer rules it out, and
/// nothing else is.
@Suite("Deadlines and the KV store")
struct StoreDeadlineTests {
  private let deadlines = DeadlineTests()

  /// A mesh whose only worker computes a position in 1 ms, as it knows. Request 1 has 600 tokens, and its
  /// 150 blocks are in the store.
  private func mesh(
    _ worker: WorkerCapabilities = .fake(blocks: 512, storeBlockBytes: 100)
  ) throws -> (mesh: FakeMesh, epoch: Epoch) {
    var settings = SchedulerSettings()
    settings.usesStore = true
    var mesh = try FakeMesh(settings)
    let epoch = try mesh.join(worker)
    try mesh.submit(deadlines.request(1, prompt: 600, deadline: nil))
    try deadlines.learnSpeed(&mesh, of: epoch, with: 1)
    try mesh.run()
    return (mesh, epoch)
  }

  /// Request 1 under another name, with tokens of its own at its end.
  private func prolonged(
    _ id: UInt64,
    by count: Int,
    deadline: Int,
    in mesh: FakeMesh
  ) -> SequenceRequest {
    var request = deadlines.request(id, prompt: count, deadline: deadline)
    let known = mesh.requests[SequenceID(1)]?.promptTokenIDs ?? []
    request.promptTokenIDs = known + request.promptTokenIDs
    return request
  }

  private func hasFailed(_ id: UInt64, _ mesh: FakeMesh) -> Bool {
    if case .failed(.deadlineExceeded, _) = mesh.endings[SequenceID(id)] { true } else { false }
  }

  @Test("What the store may have takes no time before it answers, and the time of computing after")
  func answer() throws {
    var (mesh, _) = try mesh()
    try mesh.submit(deadlines.request(2, prompt: 700, deadline: 300_000))
    try mesh.submit(deadlines.request(3, prompt: 700, deadline: 3_000_000))
    #expect(mesh.endings[SequenceID(2)] == nil)
    try mesh.answerQuery()
    #expect(hasFailed(2, mesh))
    #expect(mesh.usage(2) == SequenceUsage(promptTokens: 700))
    try mesh.answerQuery()
    try mesh.run()
    #expect(mesh.output(3)?.count == 8)
    try mesh.checkIdle()
  }

  @Test("The last token is always computed, and refuses a prompt at once")
  func lastToken() throws {
    var (mesh, _) = try mesh()
    #expect(
      deadlines.refusal {
        try mesh.submit(deadlines.request(2, prompt: 701, deadline: 500))
      } == .deadlineExceeded
    )
    #expect(mesh.queries.isEmpty)
  }

  @Test("What the store has leaves the rest to compute")
  func rest() throws {
    var (mesh, epoch) = try mesh()
    // Its own cache must not have it.
    try mesh.leave(epoch)
    let fresh = try mesh.join(.fake("fresh", blocks: 512, storeBlockBytes: 100))
    try mesh.submit(deadlines.request(2, prompt: 513, deadline: nil))
    try deadlines.learnSpeed(&mesh, of: fresh, with: 2)
    try mesh.submit(prolonged(3, by: 100, deadline: 200_000, in: mesh))
    try mesh.submit(prolonged(4, by: 300, deadline: 200_000, in: mesh))
    try mesh.run()
    #expect(mesh.output(3)?.count == 8)
    #expect(mesh.usage(3)?.cachedPromptTokens == 600)
    #expect(hasFailed(4, mesh))
  }

  @Test("A store that does not answer in time refuses nobody")
  func lostAnswer() throws {
    var (mesh, _) = try mesh()
    try mesh.submit(deadlines.request(2, prompt: 700, deadline: 300_000))
    try mesh.answerQuery(isLost: true)
    try mesh.run()
    #expect(mesh.output(2)?.count == 8)
  }

  @Test("A worker that cannot reach the store computes everything")
  func withoutStore() throws {
    var (mesh, _) = try mesh(.fake(blocks: 512))
    #expect(
      deadlines.refusal {
        try mesh.submit(deadlines.request(2, prompt: 700, deadline: 300_000))
      } == .deadlineExceeded
    )
  }

  @Test("Fetching takes what it was measured to take")
  func fetchTime() throws {
    var (mesh, epoch) = try mesh()
    try mesh.leave(epoch)
    let fresh = try mesh.join(.fake("fresh", blocks: 512, storeBlockBytes: 100))
    try mesh.submit(deadlines.request(2, prompt: 513, deadline: nil))
    try deadlines.learnSpeed(&mesh, of: fresh, with: 2)
    // 150 blocks in 150 ms, of which 149 can be of use to the same prompt.
    var same = prolonged(3, by: 4, deadline: 400_000, in: mesh)
    try mesh.submit(same)
    try mesh.answerQuery()
    try mesh.plan()
    while mesh.links[fresh]?.worker.loads.isEmpty == true { try mesh.execute(fresh) }
    let load = try #require(mesh.links[fresh]?.worker.loads.keys.first)
    let ended = mesh.links[fresh]?.worker.endLoad(load)
    var result = try #require(ended)
    #expect(result.loadedBlocks == 150)
    result.microseconds = 150_000
    mesh.core.complete([result], of: fresh)
    try mesh.run()
    #expect(mesh.output(3)?.count == 8)
    // Another prompt of that length, of which nothing is in the worker.
    same = deadlines.request(4, prompt: 601, deadline: 100_000)
    #expect(deadlines.refusal { try mesh.submit(same) } == .deadlineExceeded)
    same.deadlineMicroseconds = 200_000
    try mesh.submit(same)
    try mesh.answerQuery()
    #expect(hasFailed(4, mesh), "the store has nothing of it")
  }

  @Test("What another worker has computed may be in the store any moment")
  func otherWorker() throws {
    var (mesh, _) = try mesh(.fake(blocks: 512, context: 640, storeBlockBytes: 100))
    let large = try mesh.join(.fake("large", blocks: 512, storeBlockBytes: 100))
    try mesh.submit(deadlines.request(2, prompt: 700, deadline: nil))
    try deadlines.learnSpeed(&mesh, of: large, with: 2)
    mesh.store.removeAll()
    // Only the large one has room for them.
    try mesh.submit(prolonged(3, by: 100, deadline: 200_000, in: mesh))
    try mesh.submit(prolonged(4, by: 300, deadline: 200_000, in: mesh))
    try mesh.answerQuery()
    try mesh.answerQuery()
    #expect(!hasFailed(3, mesh))
    #expect(hasFailed(4, mesh))
    try mesh.run()
  }
}
