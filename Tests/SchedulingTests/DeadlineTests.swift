import MeshTypes
import Scheduling
import TestSupport
import Testing

@Suite("Deadlines")
struct DeadlineTests {
  func request(_ id: UInt64, prompt: Int, deadline: Int?) -> SequenceRequest {
    var request = SequenceRequest.fake(id, prompt: prompt, max: 8)
    request.deadlineMicroseconds = deadline
    return request
  }

  func refusal(_ body: () throws -> Void) -> MeshError.Code? {
    do {
      try body()
      return nil
    } catch {
      return (error as? MeshError)?.code
    }
  }

  @Test(
    "Who has not ended in time ends with deadlineExceeded, waiting or running; nobody else does"
  )
  func expiry() throws {
    var mesh = try FakeMesh()
    try mesh.join(.fake(batchSequences: 1))
    try mesh.submit(request(1, prompt: 4, deadline: 1000))
    try mesh.submit(request(2, prompt: 5, deadline: 900))
    try mesh.submit(request(3, prompt: 6, deadline: nil))
    try mesh.submit(request(4, prompt: 7, deadline: 2000))
    try mesh.plan()
    try mesh.take(mesh.core.advance(to: 899))
    #expect(mesh.endings.isEmpty)
    try mesh.take(mesh.core.advance(to: 1000))
    for id in 1...2 as ClosedRange<UInt64> {
      let usage = SequenceUsage(promptTokens: Int(id) + 3)
      #expect(mesh.endings[SequenceID(id)] == .failed(.deadlineExceeded, usage))
    }
    try mesh.run()
    #expect(mesh.output(3)?.count == 8)
    #expect(mesh.output(4)?.count == 8)
    try mesh.take(mesh.core.advance(to: 3000))
    try mesh.checkIdle()
  }

  @Test("A deadline that has passed is refused")
  func passed() throws {
    var mesh = try FakeMesh()
    try mesh.take(mesh.core.advance(to: 500))
    #expect(refusal { try mesh.submit(request(1, prompt: 4, deadline: 500)) } == .deadlineExceeded)
    try mesh.submit(request(1, prompt: 4, deadline: 501))
  }

  /// Has a worker execute its plans until request `id` has a token, in 1 ms a position.
  func learnSpeed(_ mesh: inout FakeMesh, of epoch: Epoch, with id: UInt64) throws {
    while mesh.output(id)?.isEmpty == true {
      while !mesh.queries.isEmpty { try mesh.answerQuery() }
      try mesh.plan()
      try mesh.execute(epoch)
      guard var result = mesh.links[epoch]?.results.popLast() else { break }
      result.computeMicroseconds = 32_000
      try mesh.take(mesh.core.complete(result))
    }
  }

  @Test("A prompt that takes longer than there is time is refused once the speed is known")
  func impossible() throws {
    var mesh = try FakeMesh()
    let epoch = try mesh.join(.fake(blocks: 512))
    // Nothing is known yet.
    try mesh.submit(request(1, prompt: 600, deadline: 600_000))
    try learnSpeed(&mesh, of: epoch, with: 1)
    #expect(
      refusal { try mesh.submit(request(2, prompt: 700, deadline: 300_000)) } == .deadlineExceeded
    )
    try mesh.submit(request(3, prompt: 700, deadline: 3_000_000))
    // The first one's prompt is there already.
    var again = request(1, prompt: 600, deadline: 300_000)
    again.id = SequenceID(4)
    try mesh.submit(again)
    try mesh.run()
    #expect(mesh.output(4)?.count == 8)
  }

  @Test("What another sequence is about to have computed takes no time")
  func underWay() throws {
    var mesh = try FakeMesh()
    let epoch = try mesh.join(.fake(blocks: 512, batchTokens: 32))
    try mesh.submit(request(1, prompt: 600, deadline: nil))
    try learnSpeed(&mesh, of: epoch, with: 1)
    try mesh.submit(request(2, prompt: 300, deadline: nil))
    for _ in 0..<5 { try mesh.round() }
    try mesh.plan()
    let computed = mesh.plans.flatMap(\.slices).last { $0.sequence == SequenceID(2) }
    let end = try #require(computed.map { $0.startPosition + $0.tokenCount })
    // All that is computed or in plans, and half a block.
    var same = request(2, prompt: end + 2, deadline: 3500)
    same.id = SequenceID(3)
    try mesh.submit(same)
    same.id = SequenceID(4)
    same.promptTokenIDs = mesh.requests[SequenceID(2)]?.promptTokenIDs ?? []
    #expect(refusal { try mesh.submit(same) } == .deadlineExceeded)
    try mesh.run()
  }

  @Test(
    "Many deadlines in any order each come in their turn, however many sequences have ended before"
  )
  func manyDeadlines() throws {
    var generator = SeededGenerator(seed: 23)
    var settings = SchedulerSettings()
    settings.maxWaitingSequences = 10_000
    var core = try SchedulerCore(settings: settings)
    var deadlines: [SequenceID: Int] = [:]
    var id: UInt64 = 0
    for now in stride(from: 0, to: 20_000, by: 100) {
      for _ in 0..<Int.random(in: 0...30, using: &generator) {
        id += 1
        let deadline = now + Int.random(in: 1...8000, using: &generator)
        try core.submit(request(id, prompt: 1, deadline: deadline))
        deadlines[SequenceID(id)] = deadline
        // Most end long before.
        if Bool.random(using: &generator), let early = deadlines.keys.min() {
          _ = core.cancel(early)
          deadlines[early] = nil
        }
      }
      let overdue = core.advance(to: now + 99)
      let expected = deadlines.filter { $0.value <= now + 99 }.map { ($0.value, $0.key) }.sorted(
        by: <
      )
      let ended = overdue.map { event -> SequenceID? in
        if case .failed(let id, let error, _) = event, error.code == .deadlineExceeded {
          id
        } else {
          nil
        }
      }
      #expect(ended == expected.map(\.1))
      for (_, id) in expected { deadlines[id] = nil }
      try core.checkInvariants()
    }
    #expect(core.statistics.waitingSequences == deadlines.count)
  }
}
