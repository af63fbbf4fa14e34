import BlockCache
import MeshTypes
import Scheduling
import Testing

@Suite("Membership")
struct MembershipTests {
  @Test("Epochs rise, also from where a former life of the scheduler ended")
  func epochs() throws {
    var core = try SchedulerCore(firstEpoch: Epoch(40))
    #expect(try core.join(.fake("a")).epoch == Epoch(40))
    #expect(try core.join(.fake("b")).epoch == Epoch(41))
    #expect(core.isMember(Epoch(40)))
    #expect(!core.isMember(Epoch(1)))
  }

  @Test("A worker that joins later gets work from the queue")
  func lateJoiner() throws {
    var mesh = try FakeMesh()
    try mesh.join(.fake("a", batchSequences: 2))
    for id in 1...8 as ClosedRange<UInt64> { try mesh.submit(.fake(id, prompt: 4, max: 6)) }
    try mesh.round()
    let late = try mesh.join(.fake("b", batchSequences: 2))
    try mesh.round()
    #expect(mesh.plans.contains { $0.epoch == late && !$0.starts.isEmpty })
    try mesh.run()
  }

  @Test("The sequences of a lost worker are recomputed elsewhere, before all who came later")
  func lostWorker() throws {
    var mesh = try FakeMesh()
    let first = try mesh.join(.fake("a", batchSequences: 2))
    for id in 1...4 as ClosedRange<UInt64> { try mesh.submit(.fake(id, prompt: 4, max: 8)) }
    for _ in 0..<4 { try mesh.round() }
    let produced = mesh.output(1)?.count ?? 0
    #expect(produced > 0)
    try mesh.lose(first)
    let second = try mesh.join(.fake("b", batchSequences: 2))
    try mesh.run()
    let starts = mesh.plans.filter { $0.epoch == second }.flatMap(\.starts)
    #expect(starts.map(\.id.rawValue) == [1, 2, 3, 4])
    #expect(starts[0].tokenIDs.count >= 4 + produced)
    #expect(mesh.output(1)?.count == 8)
  }

  @Test("Results of a membership that ended are ignored, also after joining again")
  func fencing() throws {
    var mesh = try FakeMesh()
    let first = try mesh.join(.fake())
    try mesh.submit(.fake(1, prompt: 4, max: 4))
    try mesh.plan()
    try mesh.execute(first)
    let stale = try #require(mesh.links[first]?.results.first)
    try mesh.lose(first)
    #expect(mesh.core.complete(stale).isEmpty)
    try mesh.join(.fake())
    try mesh.plan()
    #expect(mesh.core.complete(stale).isEmpty)
    try mesh.run()
    #expect(mesh.output(1)?.count == 4)
  }

  @Test("A result told twice counts once")
  func duplicateResult() throws {
    var mesh = try FakeMesh()
    let epoch = try mesh.join(.fake())
    try mesh.submit(.fake(1, prompt: 4, max: 4))
    try mesh.plan()
    try mesh.execute(epoch)
    let result = try #require(mesh.links[epoch]?.results.first)
    try mesh.deliver(epoch)
    #expect(mesh.core.complete(result).isEmpty)
    try mesh.run()
  }

  @Test("A result out of order loses its worker, not its sequences")
  func resultOutOfOrder() throws {
    var mesh = try FakeMesh()
    let epoch = try mesh.join(.fake())
    try mesh.submit(.fake(1, prompt: 4, max: 4))
    try mesh.plan()
    #expect(mesh.core.complete(StepResult(epoch: epoch, step: StepID(2))).isEmpty)
    #expect(!mesh.core.isMember(epoch))
    mesh.links = [:]
    try mesh.join(.fake())
    try mesh.run()
    #expect(mesh.output(1)?.count == 4)
  }

  @Test("Joining under a name in use replaces the former membership")
  func rejoin() throws {
    var mesh = try FakeMesh()
    let first = try mesh.join(.fake("a"))
    try mesh.submit(.fake(1, prompt: 4, max: 4))
    try mesh.plan()
    let second = try mesh.join(.fake("a"))
    #expect(!mesh.core.isMember(first))
    #expect(mesh.core.statistics.workers.map(\.epoch) == [second])
    try mesh.run()
  }

  @Test("A draining worker takes nobody new and ends what it runs")
  func drain() throws {
    var mesh = try FakeMesh()
    let draining = try mesh.join(.fake("a"))
    try mesh.submit(.fake(1, prompt: 4, max: 6))
    try mesh.round()
    mesh.core.drain(draining)
    try mesh.submit(.fake(2, prompt: 4, max: 6))
    for _ in 0..<20 { try mesh.round() }
    #expect(mesh.output(1)?.count == 6)
    #expect(mesh.core.statistics.workers[0].runningSequences == 0)
    #expect(mesh.core.statistics.waitingSequences == 1)
    try mesh.join(.fake("b"))
    try mesh.run()
    #expect(
      Set(mesh.plans.filter { $0.epoch == draining }.flatMap(\.starts).map(\.id.rawValue)) == [1]
    )
  }

  @Test("A worker that drained may be opened again")
  func opened() throws {
    var mesh = try FakeMesh()
    let worker = try mesh.join(.fake("a"))
    mesh.core.drain(worker)
    try mesh.submit(.fake(1, prompt: 4, max: 6))
    try mesh.round()
    #expect(mesh.core.statistics.waitingSequences == 1)
    mesh.core.open(worker)
    try mesh.run()
    #expect(mesh.output(1)?.count == 6)
  }

  @Test("A draining worker takes back its own when nobody else ever could")
  func drainUnderPressure() throws {
    var settings = SchedulerSettings()
    settings.growthHorizonTokens = 0
    var mesh = try FakeMesh(settings)
    let draining = try mesh.join(.fake("a", blocks: 12, blockSize: 1))
    try mesh.submit(.fake(1, prompt: 3, max: 8))
    try mesh.submit(.fake(2, prompt: 3, max: 8))
    try mesh.round()
    mesh.core.drain(draining)
    try mesh.run(maxRounds: 100)
    #expect(mesh.core.statistics.counters.preemptions > 0)
    #expect(mesh.output(2)?.count == 8)
  }

  @Test("A sequence that was being computed when two workers died fails; one that waited does not")
  func poison() throws {
    var mesh = try FakeMesh()
    try mesh.submit(.fake(1, prompt: 4, max: 6))
    try mesh.submit(.fake(2, prompt: 4, max: 6))
    for _ in 1...2 {
      let epoch = try mesh.join(.fake(batchSequences: 1))
      try mesh.plan()
      try mesh.lose(epoch)
    }
    #expect(mesh.endings[SequenceID(1)] == .failed(.internalError, SequenceUsage(promptTokens: 4)))
    try mesh.join(.fake())
    try mesh.run()
    #expect(mesh.output(2)?.count == 6)
  }

  @Test("Workers that leave in good order are not held against their sequences")
  func leaving() throws {
    var mesh = try FakeMesh()
    try mesh.submit(.fake(1, prompt: 4, max: 20))
    for _ in 1...5 {
      let epoch = try mesh.join(.fake())
      try mesh.round()
      try mesh.plan()
      try mesh.leave(epoch)
    }
    let epoch = try mesh.join(.fake())
    try mesh.plan()
    try mesh.lose(epoch)
    try mesh.join(.fake())
    try mesh.run()
    #expect(mesh.output(1)?.count == 20)
  }

  @Test("A failure that the worker reports ends that sequence alone")
  func reportedFailure() throws {
    var mesh = try FakeMesh()
    try mesh.join(.fake())
    mesh.poison = [SequenceID(2)]
    for id in 1...3 as ClosedRange<UInt64> { try mesh.submit(.fake(id, prompt: 4, max: 6)) }
    try mesh.run()
    #expect(
      mesh.endings[SequenceID(2)] == .failed(.invalidArgument, SequenceUsage(promptTokens: 4))
    )
    #expect(mesh.output(1)?.count == 6)
    #expect(mesh.output(3)?.count == 6)
    try mesh.checkIdle()
  }

  @Test("A missing token, or one outside the vocabulary, fails its sequence alone")
  func badToken() throws {
    var mesh = try FakeMesh()
    let epoch = try mesh.join(.fake())
    for id in 1...3 as ClosedRange<UInt64> { try mesh.submit(.fake(id, prompt: 4, max: 6)) }
    try mesh.plan()
    try mesh.execute(epoch)
    var result = try #require(mesh.links[epoch]?.results.first)
    mesh.links[epoch]?.results = []
    result.sampled.removeFirst()
    result.sampled[0].tokenID = 61
    try mesh.take(mesh.core.complete(result))
    #expect(
      mesh.endings[SequenceID(1)] == .failed(.internalError, SequenceUsage(promptTokens: 4))
    )
    #expect(
      mesh.endings[SequenceID(2)] == .failed(.internalError, SequenceUsage(promptTokens: 4))
    )
    try mesh.run()
    #expect(mesh.output(3)?.count == 6)
  }
}
