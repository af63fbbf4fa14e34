/// Decides whether to ask a peer that has failed: after some failures in a row not for a while,
/// then once, and on success always again.
package struct CircuitBreaker: Sendable {
  /// What came of a call that was admitted.
  package enum Outcome: Sendable, Hashable {
    /// An answer, whatever it says.
    case answered
    /// No answer in time.
    case timedOut
    /// There is nobody who could answer, or no sense in what came.
    case failed
    /// The caller gave up first: nothing was learnt.
    case abandoned
  }

  private enum State {
    /// Calls are admitted; so many in a row have timed out.
    case closed(timeouts: Int)
    /// No call is admitted before the instant.
    case open(until: ContinuousClock.Instant)
    /// One call is on its way to find out.
    case probing
  }

  private let timeoutsToOpen: Int
  private var backoff: Backoff
  private var state = State.closed(timeouts: 0)

  /// Creates a breaker that lets calls through.
  ///
  /// - Parameters:
  ///   - timeoutsToOpen: So many timeouts in a row open it; one failure does.
  ///   - backoff: How long it stays open.
  package init(
    timeoutsToOpen: Int = 3,
    backoff: Backoff = Backoff(first: .milliseconds(200), longest: .seconds(5))
  ) {
    precondition(timeoutsToOpen > 0, "a breaker cannot be open from the start")
    self.timeoutsToOpen = timeoutsToOpen
    self.backoff = backoff
  }

  /// Whether calls are admitted without reserve.
  package var isClosed: Bool {
    if case .closed = state { true } else { false }
  }

  /// Whether a call may be made now. Every admitted call is followed by one ``record(_:at:using:)``.
  package mutating func admits(at now: ContinuousClock.Instant) -> Bool {
    switch state {
    case .closed: return true
    case .probing: return false
    case .open(let until):
      guard now >= until else { return false }
      state = .probing
      return true
    }
  }

  /// Takes in what came of an admitted call.
  package mutating func record(
    _ outcome: Outcome,
    at now: ContinuousClock.Instant,
    using generator: inout some RandomNumberGenerator
  ) {
    switch (state, outcome) {
    case (_, .answered):
      state = .closed(timeouts: 0)
      backoff.reset()
    case (.closed(let timeouts), .timedOut) where timeouts + 1 < timeoutsToOpen:
      state = .closed(timeouts: timeouts + 1)
    case (.closed, .timedOut), (.closed, .failed), (.probing, .timedOut), (.probing, .failed):
      state = .open(until: now + backoff.delay(using: &generator))
    case (.probing, .abandoned): state = .open(until: now)
    // Calls from before it opened say nothing new when they fail.
    case (.open, _), (.closed, .abandoned): break
    }
  }
}
