import BlockCache
import MeshTypes
import Scheduling
import Testing

@Suite("Routing")
struct RoutingTests {
  /// Who started where.
  func homes(_ mesh: FakeMesh) -> [UInt64: String] {
    let names = Dictionary(
      uniqueKeysWithValues: mesh.core.statistics.workers.map { ($0.epoch, $0.capabilities.name) }
    )
    var homes: [UInt64: String] = [:]
    for plan in mesh.plans {
      for start in plan.starts { homes[start.id.rawValue] = names[plan.epoch] }
    }
    return homes
  }

  @Test("Equal sequences spread evenly over equal workers")
  func evenSpread() throws {
    var mesh = try FakeMesh()
    for name in ["a", "b", "c"] { try mesh.join(.fake(name)) }
    // The ninth id would have the second's prompt.
    for id in [1, 2, 3, 4, 5, 6, 7, 8, 10] as [UInt64] {
      try mesh.submit(.fake(id, prompt: 5, max: 5))
    }
    try mesh.plan()
    #expect(mesh.core.statistics.workers.map(\.runningSequences) == [3, 3, 3])
    try mesh.run()
  }

  @Test("By chance, a sequence waits for the worker that was drawn, and only for that one")
  func random() throws {
    var settings = SchedulerSettings()
    settings.routing = .random
    settings.maxRunningPerWorker = 1
    var mesh = try FakeMesh(settings)
    for name in ["a", "b", "c"] { try mesh.join(.fake(name)) }
    for id in 1...40 as ClosedRange<UInt64> { try mesh.submit(.fake(id, prompt: 3, max: 2)) }
    try mesh.plan()
    #expect(mesh.core.statistics.workers.map(\.runningSequences) == [1, 1, 1])
    try mesh.run()
    let counts = Dictionary(grouping: homes(mesh).values) { $0 }.mapValues(\.count)
    #expect(counts.count == 3 && counts.values.allSatisfy { (5...22).contains($0) }, "\(counts)")
    #expect(Set(counts.values).count > 1, "by chance, not in turn: \(counts)")
    // One after the other where each was drawn, in order.
    for name in ["a", "b", "c"] {
      let epoch = mesh.core.statistics.workers.first { $0.capabilities.name == name }?.epoch
      let order = mesh.plans.filter { $0.epoch == epoch }.flatMap(\.starts).map(\.id)
      #expect(order == order.sorted())
    }
  }

  @Test("A sequence goes where its prefix is, unless that worker is too busy")
  func prefixAffinity() throws {
    let shared: [TokenID] = (0..<24).map { $0 * 7 % 61 }
    var mesh = try FakeMesh()
    for name in ["a", "b"] { try mesh.join(.fake(name, batchTokens: 64)) }
    try mesh.submit(.fake(1, prompt: 4, max: 2))
    try mesh.submit(.fake(2, tokens: shared + [1], max: 2))
    try mesh.run()
    let home = try #require(homes(mesh)[2])
    try mesh.submit(.fake(3, tokens: shared + [2], max: 4))
    try mesh.plan()
    #expect(homes(mesh)[3] == home)
    // Each of these adds 4 tokens of decoding to wait for; the prefix saves 24.
    for id in 4...20 as ClosedRange<UInt64> {
      try mesh.submit(.fake(id, tokens: shared + [TokenID(id)], max: 4))
    }
    try mesh.run()
    #expect(Set((4...20).map { homes(mesh)[$0] }).count == 2)
  }

  @Test("A faster worker gets more")
  func speed() throws {
    var mesh = try FakeMesh()
    try mesh.join(.fake("slow"))
    try mesh.join(.fake("fast", speed: 3))
    for id in 1...8 as ClosedRange<UInt64> { try mesh.submit(.fake(id, prompt: 4, max: 8)) }
    try mesh.plan()
    let running = mesh.core.statistics.workers.map(\.runningSequences)
    #expect(running[1] >= 2 * running[0])
    try mesh.run()
  }

  @Test("A sequence that only the large worker can run does not keep the small one from others")
  func heterogeneousMemory() throws {
    var mesh = try FakeMesh()
    try mesh.join(.fake("small", blocks: 4))
    let large = try mesh.join(.fake("large", blocks: 32, batchSequences: 1))
    for id in 1...3 as ClosedRange<UInt64> { try mesh.submit(.fake(id, prompt: 40, max: 4)) }
    try mesh.submit(.fake(4, prompt: 4, max: 4))
    try mesh.plan()
    #expect(homes(mesh) == [1: "large", 4: "small"])
    try mesh.lose(large)
    try mesh.submit(.fake(5, prompt: 4, max: 4))
    for _ in 0..<20 { try mesh.round() }
    #expect(mesh.output(5)?.count == 4)
    try mesh.join(.fake("large", blocks: 32))
    try mesh.run()
  }

  @Test("Workers with other numerics share no prefixes")
  func numerics() throws {
    let shared: [TokenID] = (0..<24).map { $0 * 7 % 61 }
    var mesh = try FakeMesh()
    let first = try mesh.join(.fake("a"))
    try mesh.submit(.fake(1, tokens: shared, max: 1))
    try mesh.run()
    try mesh.leave(first)
    var other = WorkerCapabilities.fake("b")
    other.rootKey = other.rootKey.salted(by: [1])
    try mesh.join(other)
    try mesh.submit(.fake(2, tokens: shared, max: 1))
    try mesh.run()
    #expect(mesh.usage(2)?.cachedPromptTokens == 0)
  }

  /// Two workers of one place each, which know a prefix each and are busy.
  private func busyPair(
    patience: Int
  ) throws -> (mesh: FakeMesh, first: [TokenID], second: [TokenID]) {
    let first: [TokenID] = (0..<24).map { $0 * 7 % 61 }
    let second: [TokenID] = (0..<24).map { ($0 * 11 + 5) % 61 }
    var settings = SchedulerSettings()
    settings.affinityPatienceSteps = patience
    settings.maxPlansInFlight = 1
    var mesh = try FakeMesh(settings)
    for name in ["a", "b"] { try mesh.join(.fake(name, batchSequences: 1)) }
    // The longer one first, so that the other one's worker has room first.
    try mesh.submit(.fake(1, tokens: second, max: 30))
    try mesh.submit(.fake(2, tokens: first, max: 8))
    for _ in 0..<4 { try mesh.round() }
    return (mesh, first, second)
  }

  @Test("Where all are busy, the worker that gets room takes who has a prefix there")
  func affinityUnderLoad() throws {
    var (mesh, first, second) = try busyPair(patience: 64)
    try mesh.submit(.fake(3, tokens: second + [1], max: 4))
    try mesh.submit(.fake(4, tokens: first + [2], max: 30))
    try mesh.run()
    #expect(homes(mesh)[3] == homes(mesh)[1])
    #expect(homes(mesh)[4] == homes(mesh)[2])
    #expect(mesh.usage(3)?.cachedPromptTokens == 24)
    #expect(mesh.usage(4)?.cachedPromptTokens == 24)
  }

  @Test("No place stays empty for that")
  func affinityNeverIdles() throws {
    var (mesh, _, second) = try busyPair(patience: 64)
    try mesh.submit(.fake(3, tokens: second + [1], max: 4))
    try mesh.run()
    #expect(homes(mesh)[3] == homes(mesh)[2])
  }

  @Test("Nobody is passed for longer than patience lasts")
  func affinityEnds() throws {
    var (mesh, first, second) = try busyPair(patience: 2)
    try mesh.submit(.fake(3, tokens: second + [1], max: 4))
    for id in 4...9 as ClosedRange<UInt64> {
      try mesh.submit(.fake(id, tokens: first + [TokenID(id)], max: 2))
    }
    try mesh.run()
    #expect(homes(mesh)[3] == homes(mesh)[2])
    let order = mesh.plans.flatMap(\.starts).map(\.id.rawValue)
    #expect(order.firstIndex(of: 3) ?? 99 < order.firstIndex(of: 9) ?? 0)
  }
}
