import MeshTypes
import Scheduling
import Testing

/// Requests that kill whoever computes them.
@Suite("Poison")
struct PoisonTests {
  /// Rounds in which every worker that begins a plan with a slice of a killer dies, and comes back.
  ///
  /// - Returns: How many died.
  func run(_ mesh: inout FakeMesh, killers: Set<UInt64>, maxRounds: Int = 200) throws -> Int {
    var deaths = 0
    for _ in 0..<maxRounds where !mesh.live.isEmpty {
      try mesh.plan()
      let dying = mesh.links.first { _, link in
        link.plans.first?.slices.contains { killers.contains($0.sequence.rawValue) } == true
      }
      guard let (epoch, link) = dying else {
        try mesh.round()
        continue
      }
      deaths += 1
      try mesh.lose(epoch)
      try mesh.join(link.worker.capabilities)
    }
    return deaths
  }

  @Test("A request that kills two workers fails; those that were computed beside it do not")
  func innocents() throws {
    for inFlight in 1...3 {
      for killer in 1...6 as ClosedRange<UInt64> {
        var settings = SchedulerSettings()
        settings.maxPlansInFlight = inFlight
        var mesh = try FakeMesh(settings)
        try mesh.join(.fake("a"))
        try mesh.join(.fake("b"))
        for id in 1...6 as ClosedRange<UInt64> { try mesh.submit(.fake(id, prompt: 6, max: 8)) }
        let deaths = try run(&mesh, killers: [killer])
        #expect(deaths == 2)
        for id in 1...6 as ClosedRange<UInt64> where id != killer {
          #expect(mesh.output(id)?.count == 8, "request \(id) beside \(killer)")
        }
        #expect(
          mesh.endings[SequenceID(killer)]
            == .failed(.internalError, SequenceUsage(promptTokens: 6))
        )
        try mesh.run()
        try mesh.checkIdle()
      }
    }
  }

  @Test("A sequence that has got over what it was suspected of is no longer suspected")
  func acquittal() throws {
    var mesh = try FakeMesh()
    var epoch = try mesh.join(.fake())
    try mesh.submit(.fake(1, prompt: 4, max: 20))
    for _ in 1...6 {
      try mesh.plan()
      try mesh.lose(epoch)
      epoch = try mesh.join(.fake())
      let before = mesh.output(1)?.count ?? 0
      while mesh.output(1)?.count ?? 0 < before + 3 { try mesh.round() }
    }
    try mesh.run()
    #expect(mesh.output(1)?.count == 20)
  }

  @Test("Suspects are computed one at a time, beside those that are not suspected")
  func oneAtATime() throws {
    var mesh = try FakeMesh()
    let epoch = try mesh.join(.fake())
    for id in 1...3 as ClosedRange<UInt64> { try mesh.submit(.fake(id, prompt: 4, max: 3)) }
    try mesh.plan()
    try mesh.lose(epoch)
    try mesh.submit(.fake(4, prompt: 4, max: 3))
    try mesh.join(.fake())
    let plan = try #require(mesh.plan().first)
    #expect(plan.slices.map(\.sequence.rawValue) == [1, 4])
    try mesh.run()
    #expect(mesh.endings.count == 4)
  }

  @Test("The same request is not taken again; other prompts and other tenants' are")
  func quarantine() throws {
    var mesh = try FakeMesh()
    try mesh.join(.fake())
    try mesh.submit(.fake(1, prompt: 4, max: 6))
    #expect(try run(&mesh, killers: [1]) == 2)
    let same = SequenceRequest.fake(1, prompt: 4, max: 9)
    #expect { try mesh.submit(same) } throws: {
      ($0 as? MeshError)?.code == .internalError
    }
    try mesh.submit(.fake(2, tokens: same.promptTokenIDs, max: 6, salt: [1]))
    try mesh.submit(.fake(3, prompt: 5, max: 6))
    try mesh.run()
    #expect(mesh.output(2)?.count == 6)
    #expect(mesh.output(3)?.count == 6)
  }

  @Test("Only so many requests are remembered, the last ones")
  func quarantineBound() throws {
    var settings = SchedulerSettings()
    settings.maxQuarantined = 2
    var mesh = try FakeMesh(settings)
    try mesh.join(.fake())
    for id in 1...3 as ClosedRange<UInt64> {
      try mesh.submit(.fake(id, prompt: 4, max: 6))
      #expect(try run(&mesh, killers: [id]) == 2)
    }
    for id in 2...3 as ClosedRange<UInt64> {
      #expect(throws: MeshError.self) { try mesh.submit(.fake(id, prompt: 4, max: 6)) }
    }
    let first = SequenceRequest.fake(1, prompt: 4, max: 6)
    try mesh.submit(.fake(4, tokens: first.promptTokenIDs, max: 6))
    try mesh.run()
  }
}
