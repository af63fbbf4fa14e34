import MeshTypes
import Scheduling
import Testing

@Suite("Fairness between tenants")
struct FairnessTests {
  /// One worker that runs one sequence at a time.
  func mesh(expectedTokens: Int = 8) throws -> FakeMesh {
    var settings = SchedulerSettings()
    settings.expectedTokens = expectedTokens
    var mesh = try FakeMesh(settings)
    try mesh.join(.fake(batchSequences: 1))
    return mesh
  }

  func order(_ mesh: FakeMesh) -> [UInt64] { mesh.plans.flatMap(\.starts).map(\.id.rawValue) }

  @Test("A tenant that comes with one request does not wait behind another's hundred")
  func oneAmongMany() throws {
    var mesh = try mesh()
    for id in 1...100 as ClosedRange<UInt64> {
      try mesh.submit(.fake(id, prompt: 4, max: 4, salt: [1]))
    }
    for _ in 0..<20 { try mesh.round() }
    let begun = order(mesh).count
    try mesh.submit(.fake(200, prompt: 4, max: 4, salt: [2]))
    try mesh.run()
    let place = try #require(order(mesh).firstIndex(of: 200))
    #expect(place <= begun + 1)
  }

  @Test("Two tenants get the same number of tokens, though one's requests are four times as long")
  func tokensNotRequests() throws {
    var mesh = try mesh(expectedTokens: 64)
    for id in 1...40 as ClosedRange<UInt64> {
      try mesh.submit(.fake(id, prompt: 4, max: 4, salt: [1]))
    }
    for id in 101...110 as ClosedRange<UInt64> {
      try mesh.submit(.fake(id, prompt: 16, max: 16, salt: [2]))
    }
    try mesh.run()
    var tokens: [Bool: Int] = [:]
    for id in order(mesh) {
      tokens[id > 100, default: 0] += id > 100 ? 32 : 8
      // Within one request of each.
      #expect(abs(tokens[true, default: 0] - tokens[false, default: 0]) <= 40)
    }
  }

  @Test("Within a tenant the first come first")
  func firstComeFirst() throws {
    var mesh = try mesh()
    for id in 1...10 as ClosedRange<UInt64> {
      try mesh.submit(.fake(id, prompt: Int(11 - id), max: 2, salt: [1]))
    }
    try mesh.run()
    #expect(order(mesh) == Array(1...10))
  }

  @Test("Priority goes before fairness")
  func priority() throws {
    var mesh = try mesh()
    for id in 1...5 as ClosedRange<UInt64> {
      try mesh.submit(.fake(id, prompt: 4, max: 2, priority: 1, salt: [1]))
    }
    try mesh.submit(.fake(6, prompt: 4, max: 2, salt: [2]))
    try mesh.run()
    #expect(order(mesh).last == 6)
  }

  @Test("Who was away has saved nothing up")
  func noSavings() throws {
    var mesh = try mesh()
    for id in 1...20 as ClosedRange<UInt64> {
      try mesh.submit(.fake(id, prompt: 4, max: 4, salt: [1]))
    }
    try mesh.run()
    for id in 101...120 as ClosedRange<UInt64> {
      try mesh.submit(.fake(id, prompt: 4, max: 4, salt: [2]))
    }
    for id in 21...40 as ClosedRange<UInt64> {
      try mesh.submit(.fake(id, prompt: 4, max: 4, salt: [1]))
    }
    try mesh.run()
    let later = order(mesh).dropFirst(20)
    #expect((8...12).contains(later.prefix(20).count { $0 > 100 }))
  }

  @Test("Tokens that a request did not produce are given back")
  func correction() throws {
    var mesh = try mesh(expectedTokens: 60)
    // Charged with 60 tokens each, of which only one comes.
    for id in 1...3 as ClosedRange<UInt64> {
      let stops = Set((0..<61).map { TokenID($0) })
      try mesh.submit(.fake(id, tokens: [1, 2, TokenID(id)], max: 60, salt: [1], stops: stops))
    }
    try mesh.run()
    for id in 11...13 as ClosedRange<UInt64> {
      try mesh.submit(.fake(id, prompt: 4, max: 4, salt: [1]))
      try mesh.submit(.fake(id + 10, prompt: 4, max: 4, salt: [2]))
    }
    try mesh.run()
    #expect(Set(order(mesh).dropFirst(3).prefix(4)) == [11, 12, 21, 22])
  }

  @Test("Of a crowd that comes once few are remembered, and whoever has had most is")
  func crowd() throws {
    var mesh = try mesh()
    for id in 1...20 as ClosedRange<UInt64> {
      try mesh.submit(.fake(id, prompt: 4, max: 4, salt: [1]))
    }
    try mesh.run()
    for id in 101...5100 as ClosedRange<UInt64> {
      try mesh.submit(.fake(id, prompt: 4, max: 4, salt: [UInt8(id % 256), UInt8(id / 256)]))
      try mesh.cancel(SequenceID(id))
    }
    #expect(mesh.core.rememberedTenants <= 4096)
    try mesh.submit(.fake(21, prompt: 4, max: 4, salt: [1]))
    try mesh.submit(.fake(22, prompt: 4, max: 4, salt: [2]))
    try mesh.run()
    #expect(order(mesh).suffix(2) == [22, 21])
  }
}
