import GatewayService
import MeshRuntime
import MeshTypes
import TestSupport
import Testing

@Suite("The choice of a cell")
struct CellRouterTests {
  private static let start = ContinuousClock.now
  private var generator = SeededGenerator(seed: 3)

  /// Cells with these many workers of 1000 tokens a second each.
  private func router(_ workers: Int..., prefixCapacity: Int = 1 << 16) -> CellRouter {
    var router = CellRouter(cellCount: workers.count, prefixCapacity: prefixCapacity)
    for (cell, count) in workers.enumerated() where count > 0 {
      router.learn(
        ["m": CellCapacity(workerCount: count, tokensPerSecond: 1000 * Double(count))],
        of: cell
      )
    }
    return router
  }

  /// A prompt of its own for each first token.
  private func request(
    _ first: TokenID,
    tokens: Int = 640,
    model: String = "m",
    salt: [UInt8] = [],
    maxTokens: Int = 64
  ) -> CellRequest {
    CellRequest(
      model: model,
      promptTokenIDs: [first] + [TokenID](repeating: 7, count: tokens - 1),
      cacheSalt: salt,
      maxTokens: maxTokens
    )
  }

  private mutating func place(_ request: CellRequest, in router: inout CellRouter) -> CellDispatch?
  {
    router.place(request, using: &generator)
  }

  /// Has a request go through a cell.
  private mutating func run(_ request: CellRequest, in router: inout CellRouter) -> Int? {
    guard let dispatch = place(request, in: &router) else { return nil }
    router.answer(dispatch)
    router.end(dispatch)
    return dispatch.cell
  }

  private mutating func fail(_ cell: Int, of router: inout CellRouter, after: Duration = .zero) {
    _ = router.record(.failed, of: cell, at: Self.start + after, using: &generator)
  }

  @Test("follows the prefix")
  mutating func affinity() {
    var router = router(1, 1, 1, 1)
    let homes = (0..<20).map { run(request($0), in: &router) }
    #expect(Set(homes).count > 1)
    for _ in 0..<3 { #expect((0..<20).map { run(request($0), in: &router) } == homes) }
    // A longer prompt that begins alike, too.
    #expect((0..<20).map { run(request($0, tokens: 1000), in: &router) } == homes)
  }

  @Test("is random among equals, and spreads what has no prefix in common")
  mutating func ties() {
    var router = router(1, 1, 1, 1)
    var counts = [Int](repeating: 0, count: 4)
    for id in 0..<400 as Range<TokenID> {
      if let cell = run(request(id), in: &router) { counts[cell] += 1 }
    }
    #expect(counts.allSatisfy { (60...140).contains($0) }, "\(counts)")
  }

  @Test("does not know of prefixes under another salt")
  mutating func salts() throws {
    var router = router(1, 1)
    let home = try #require(run(request(1, salt: [1]), in: &router))
    // Were they shared, the same prefix would always go to the same cell.
    let others = (0..<20 as Range<UInt8>).map { run(request(1, salt: [2, $0]), in: &router) }
    #expect(Set(others).count == 2)
    #expect(run(request(1, salt: [1]), in: &router) == home)
  }

  @Test("goes to who has least to do, counted when it is handed out")
  mutating func load() throws {
    var router = router(1, 1, 1)
    let placed = (0..<9).map { place(request($0), in: &router)?.cell }
    #expect(Set(placed.prefix(3)).count == 3)
    for cell in 0..<3 { #expect(placed.count { $0 == cell } == 3) }
    #expect(router.pendingTokens == [2112, 2112, 2112])
  }

  @Test("counts work until it is answered, then the output until the end")
  mutating func accounting() throws {
    var router = router(1)
    let first = try #require(place(request(1, tokens: 640, maxTokens: 10), in: &router))
    let second = try #require(place(request(1, tokens: 1000, maxTokens: 900), in: &router))
    // Ten whole keys of the first are known.
    #expect(router.pendingTokens == [640 + 10 + 360 + 64])
    router.answer(first)
    router.answer(first)
    #expect(router.pendingTokens == [10 + 360 + 64])
    router.end(second)
    router.end(second)
    router.answer(second)
    #expect(router.pendingTokens == [10])
    router.end(first)
    #expect(router.pendingTokens == [0])
  }

  @Test("is in proportion to what the cells can do")
  mutating func capacities() {
    var router = router(3, 1)
    var counts = [0, 0]
    for id in 0..<400 as Range<TokenID> {
      if let cell = place(request(id), in: &router)?.cell { counts[cell] += 1 }
    }
    #expect((290...310).contains(counts[0]), "\(counts)")
  }

  @Test("lets a prefix that many ask for spread, once waiting costs more than computing it")
  mutating func hotPrefix() throws {
    var router = router(1, 1)
    let prompt = request(1, tokens: 1280, maxTokens: 64)
    let home = try #require(place(prompt, in: &router))
    router.answer(home)
    // 64 tokens of each that runs there, and 1280 to compute elsewhere: 19 follow.
    var followers = 0
    while place(prompt, in: &router)?.cell == home.cell { followers += 1 }
    #expect((18...20).contains(followers), "\(followers)")
    // From then on both have it, and share the work.
    for _ in 0..<40 { _ = place(prompt, in: &router) }
    #expect(abs(router.pendingTokens[0] - router.pendingTokens[1]) <= 1280 + 64)
  }

  @Test("leaves out cells without workers for the model, and those of which nothing is known")
  mutating func models() {
    var router = router(1, 0)
    router.learn(["other": CellCapacity(workerCount: 9, tokensPerSecond: 9000)], of: 1)
    for id in 0..<50 as Range<TokenID> { #expect(place(request(id), in: &router)?.cell == 0) }
    #expect(place(request(1, model: "other"), in: &router)?.cell == 1)
    #expect(place(request(1, model: "none"), in: &router) == nil)
    router.learn([:], of: 0)
    #expect(place(request(1), in: &router) == nil)
  }

  @Test("prefers cells in which the request fits")
  mutating func sizes() {
    var router = CellRouter(cellCount: 2)
    for (cell, tokens) in [100, 1000].enumerated() {
      router.learn(
        ["m": CellCapacity(workerCount: 1, tokensPerSecond: 1, maxSequenceTokens: tokens)],
        of: cell
      )
    }
    for _ in 0..<20 {
      #expect(run(request(1, tokens: 90, maxTokens: 11), in: &router) == 1)
      #expect(run(request(1, tokens: 900, maxTokens: 101), in: &router) != nil)
    }
  }

  @Test("avoids cells that were full, if another can have it")
  mutating func avoided() {
    var router = router(1, 1)
    for id in 0..<20 as Range<TokenID> {
      #expect(router.place(request(id), avoiding: [0], using: &generator)?.cell == 1)
    }
    #expect(router.hasCell(for: request(1), besides: [0]))
    #expect(!router.hasCell(for: request(1), besides: [0, 1]))
    #expect(router.place(request(1), avoiding: [0, 1], using: &generator) != nil)
  }

  @Test("leaves out a cell that has failed until it answers again, and what it had cached")
  mutating func failure() throws {
    var router = router(1, 1)
    let home = try #require(run(request(1), in: &router))
    fail(home, of: &router)
    #expect(!router.hasCell(for: request(1), besides: [1 - home]))
    for id in 0..<20 as Range<TokenID> { #expect(run(request(id), in: &router) == 1 - home) }
    let back = router.record(.answered, of: home, at: Self.start, using: &generator)
    #expect(back == true)
    // Others have its prefixes by now.
    for id in 0..<20 as Range<TokenID> { #expect(run(request(id), in: &router) == 1 - home) }
    #expect(Set((100..<120).map { run(request($0), in: &router) }).count == 2)
  }

  @Test("takes a cell that does not answer when there is no other and it is told to")
  mutating func desperate() {
    var router = router(1, 1)
    for cell in 0..<2 { fail(cell, of: &router) }
    #expect(place(request(1), in: &router) == nil)
    #expect(router.place(request(1), isDesperate: true, using: &generator) != nil)
    #expect(!router.hasCell(for: request(1), besides: []))
    router.learn([:], of: 0)
    router.learn([:], of: 1)
    #expect(router.place(request(1), isDesperate: true, using: &generator) == nil)
  }

  @Test("asks a cell that has failed again after a while, and longer each time it fails")
  mutating func probing() {
    var router = router(1, 1)
    func asked(_ router: inout CellRouter, at time: Duration) -> [Int] {
      router.cellsToAsk(at: Self.start + time, unlessWithin: .zero)
    }
    #expect(asked(&router, at: .zero) == [0, 1])
    fail(0, of: &router)
    #expect(asked(&router, at: .milliseconds(50)) == [1])
    #expect(asked(&router, at: .milliseconds(250)) == [0, 1])
    // The answer is still to come.
    #expect(asked(&router, at: .milliseconds(251)) == [1])
    fail(0, of: &router, after: .milliseconds(300))
    #expect(asked(&router, at: .milliseconds(450)) == [1])
    #expect(asked(&router, at: .milliseconds(750)) == [0, 1])
    _ = router.record(.answered, of: 0, at: Self.start + .milliseconds(751), using: &generator)
    #expect(router.hasCell(for: request(1), besides: [1]))
  }

  @Test("says when a cell falls silent and when it answers, but not that one has yet to begin")
  mutating func changes() {
    var router = router(1, 1)
    func told(_ outcome: CircuitBreaker.Outcome) -> Bool? {
      router.record(outcome, of: 0, at: Self.start, using: &generator)
    }
    #expect(told(.failed) == nil)
    #expect(told(.answered) == true)
    #expect(told(.answered) == nil)
    #expect(told(.failed) == false)
    #expect(told(.failed) == nil)
  }

  @Test("does not ask those again that were asked a moment ago")
  mutating func moment() {
    var router = router(1, 1)
    #expect(router.cellsToAsk(at: Self.start, unlessWithin: .milliseconds(100)) == [0, 1])
    let soon = Self.start + .milliseconds(99)
    #expect(router.cellsToAsk(at: soon, unlessWithin: .milliseconds(100)) == [])
    #expect(router.cellsToAsk(at: soon, unlessWithin: .milliseconds(99)) == [0, 1])
  }

  @Test("takes bounded memory, whatever is asked for")
  mutating func bounded() {
    var router = router(1, 1, prefixCapacity: 128)
    for id in 0..<500 as Range<TokenID> {
      _ = run(request(id, tokens: 64 * Int(id % 40 + 1)), in: &router)
      #expect(router.prefixCount <= 128)
    }
    #expect(router.pendingTokens == [0, 0])
  }
}
