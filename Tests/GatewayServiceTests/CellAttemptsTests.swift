import GRPCCore
import GatewayService
import TestSupport
import Testing

@Suite("What comes after a failed submission")
struct CellAttemptsTests {
  private var attempts = CellAttempts()
  private var generator = SeededGenerator(seed: 5)

  private mutating func pause(
    _ code: RPCError.Code,
    cell: Int? = 0,
    hasAlternative: Bool,
    remaining: Duration = .seconds(60)
  ) -> Duration? {
    let error = RPCError(code: code, message: "")
    let failure = CellFailure(cell: cell, error: error, hasAlternative: hasAlternative)
    return attempts.pause(after: failure, remaining: remaining, using: &generator)
  }

  @Test("is another one at once where there is another cell, else after a while that grows")
  mutating func unavailable() throws {
    #expect(pause(.unavailable, hasAlternative: true) == .zero)
    let first = try #require(pause(.unavailable, hasAlternative: false))
    let second = try #require(pause(.unavailable, hasAlternative: false))
    #expect(first > .zero)
    #expect(second >= first)
    #expect(attempts.refusing == [])
  }

  @Test("goes to another cell than the one that has just failed, or that was full, if there is one")
  mutating func avoided() {
    #expect(attempts.avoided == [])
    _ = pause(.unavailable, cell: 1, hasAlternative: true)
    #expect(attempts.avoided == [1])
    _ = pause(.resourceExhausted, cell: 2, hasAlternative: true)
    #expect(attempts.avoided == [1, 2])
    _ = pause(.unavailable, cell: 0, hasAlternative: false)
    #expect(attempts.avoided == [0, 2])
  }

  @Test("is the end after twenty submissions, or where the time is over before the next one")
  mutating func bounded() {
    #expect(pause(.unavailable, hasAlternative: false, remaining: .milliseconds(1)) == nil)
    attempts = CellAttempts()
    for _ in 1..<20 { #expect(pause(.unavailable, hasAlternative: false) != nil) }
    #expect(pause(.unavailable, hasAlternative: true) == nil)
  }

  @Test("is another cell when one is full, once")
  mutating func full() {
    #expect(pause(.resourceExhausted, hasAlternative: false) == nil)
    #expect(pause(.resourceExhausted, cell: 3, hasAlternative: true) == .zero)
    #expect(attempts.refusing == [3])
    #expect(pause(.resourceExhausted, cell: 2, hasAlternative: true) == nil)
  }

  @Test("is the end when the request itself is at fault, or its time is over")
  mutating func final() {
    for code in [RPCError.Code.invalidArgument, .outOfRange, .internalError, .deadlineExceeded] {
      #expect(pause(code, hasAlternative: true) == nil)
    }
  }
}
