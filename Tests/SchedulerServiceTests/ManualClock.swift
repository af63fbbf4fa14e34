import SchedulerService
import Synchronization

/// A clock that stands until it is told to move.
final class ManualClock: Sendable {
  private struct Sleeper {
    var until: Int
    var alarm: AsyncStream<Never>.Continuation
  }

  private struct State {
    var now = 0
    var sleepers: [Sleeper] = []
  }

  private let state = Mutex(State())

  /// The clock as the scheduler takes it.
  var schedulerClock: SchedulerClock {
    SchedulerClock {
      self.state.withLock(\.now)
    } sleep: { time in
      let (ringing, alarm) = AsyncStream.makeStream(of: Never.self)
      self.state.withLock { state in
        if state.now >= time {
          alarm.finish()
        } else {
          state.sleepers.append(Sleeper(until: time, alarm: alarm))
        }
      }
      for await _ in ringing {}
      try Task.checkCancellation()
    }
  }

  /// Moves on, and wakes whoever sleeps no longer than that.
  func advance(by span: Duration) {
    state.withLock { state in
      state.now += Int(span / .microseconds(1))
      for sleeper in state.sleepers where sleeper.until <= state.now { sleeper.alarm.finish() }
      state.sleepers.removeAll { $0.until <= state.now }
    }
  }
}
