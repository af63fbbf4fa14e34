import MeshRuntime
import TestSupport
import Testing

@Suite("A circuit breaker")
final class CircuitBreakerTests {
  private let start = ContinuousClock.now
  private var breaker = CircuitBreaker(
    timeoutsToOpen: 3,
    backoff: Backoff(first: .seconds(1), longest: .seconds(4))
  )
  private var generator = SeededGenerator(seed: 1)

  private func record(_ outcomes: CircuitBreaker.Outcome..., after: Duration = .zero) {
    for outcome in outcomes { breaker.record(outcome, at: start + after, using: &generator) }
  }

  private func admits(after delay: Duration = .zero) -> Bool { breaker.admits(at: start + delay) }

  @Test("opens after some timeouts in a row")
  func timeouts() {
    record(.timedOut, .timedOut, .answered, .timedOut, .timedOut)
    #expect(admits())
    record(.timedOut)
    #expect(!admits())
    #expect(!breaker.isClosed)
  }

  @Test("opens at the first failure")
  func failure() {
    record(.failed)
    #expect(!admits())
  }

  @Test("does not count calls that were given up")
  func abandoned() {
    record(.abandoned, .abandoned, .abandoned, .timedOut, .abandoned, .timedOut)
    #expect(breaker.isClosed)
  }

  @Test("admits one call after the first delay, and all after that one's answer")
  func probe() {
    record(.failed)
    #expect(!admits(after: .milliseconds(499)))
    #expect(admits(after: .seconds(1)))
    #expect(!admits(after: .seconds(1)))
    record(.answered, after: .seconds(1))
    #expect(breaker.isClosed)
    #expect(admits(after: .seconds(1)))
  }

  @Test(
    "waits for longer after each failed try, up to a limit",
    arguments: [.failed, .timedOut] as [CircuitBreaker.Outcome]
  )
  func backoff(_ outcome: CircuitBreaker.Outcome) {
    record(.failed)
    var now = Duration.zero
    for longest in [1, 2, 4, 4, 4] {
      #expect(!admits(after: now + .seconds(longest) / 2 - .milliseconds(1)))
      now += .seconds(longest)
      #expect(admits(after: now))
      record(outcome, after: now)
    }
  }

  @Test("tries again at once when its one call was given up")
  func abandonedProbe() {
    record(.failed)
    #expect(admits(after: .seconds(1)))
    record(.abandoned, after: .seconds(1))
    #expect(admits(after: .seconds(1)))
  }

  @Test("learns from an answer to a call from before it opened, and not from a failure")
  func lateOutcomes() {
    record(.failed, .failed, .timedOut)
    #expect(admits(after: .seconds(1)))
    record(.failed, after: .seconds(1))
    record(.answered, after: .seconds(1))
    #expect(breaker.isClosed)
  }
}
