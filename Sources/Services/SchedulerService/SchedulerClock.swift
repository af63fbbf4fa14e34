/// The time that deadlines are told in: microseconds since some moment in the past.
package struct SchedulerClock: Sendable {
  /// What time it is; never less than before.
  package var now: @Sendable () -> Int
  /// Returns at that time, or throws when the task is cancelled.
  package var sleep: @Sendable (_ until: Int) async throws -> Void

  /// A clock of one's own.
  package init(
    now: @escaping @Sendable () -> Int,
    sleep: @escaping @Sendable (_ until: Int) async throws -> Void
  ) {
    self.now = now
    self.sleep = sleep
  }

  /// This machine's monotonic clock, beginning now.
  package static func monotonic() -> SchedulerClock {
    let start = ContinuousClock.now
    return SchedulerClock {
      (ContinuousClock.now - start).wholeMicroseconds
    } sleep: { time in
      try await Task.sleep(until: start + .microseconds(time), clock: .continuous)
    }
  }

  /// The time so far from now; a span beyond what the clock can tell ends with it.
  func time(after span: Duration) -> Int {
    now() + min(span, .seconds(1 << 40)).wholeMicroseconds
  }
}

extension Duration {
  fileprivate var wholeMicroseconds: Int {
    Int(components.seconds) * 1_000_000 + Int(components.attoseconds / 1_000_000_000_000)
  }
}
