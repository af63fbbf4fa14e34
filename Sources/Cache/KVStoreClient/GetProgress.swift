import KVStoreWire
import MeshRuntime
import Synchronization

/// What the tasks of one Get know of each other: the readers, one for each replica, the one that
/// takes the blocks, and the one that watches the time.
final class GetProgress: Sendable {
  private struct Replica {
    var hasFailed = false
    var hasStalled = false
  }

  private struct State {
    var replicas: [Replica]
    /// Whose block is waited for, and since when.
    var waiting: (replica: Int, since: ContinuousClock.Instant)?
    var isLate = false
  }

  /// Blocks on their way, for each replica.
  let channels: [BoundedChannel<GotBlock>]
  private let state: Mutex<State>

  /// Blocks that a replica may be ahead.
  private static let blocksAhead = 8

  init(replicaCount: Int) {
    channels = (0..<replicaCount).map { _ in BoundedChannel(capacity: Self.blocksAhead) }
    state = Mutex(State(replicas: Array(repeating: Replica(), count: replicaCount)))
  }

  /// The next block of a replica; nil if there will be none.
  func next(from replica: Int) async -> GotBlock? {
    state.withLock { $0.waiting = (replica, .now) }
    defer { state.withLock { $0.waiting = nil } }
    return await channels[replica].next()
  }

  /// Ends everything.
  func close() {
    for channel in channels { channel.close() }
  }

  func markLate() { state.withLock { $0.isLate = true } }
  func markFailed(_ replica: Int) { state.withLock { $0.replicas[replica].hasFailed = true } }

  /// Why a replica's next block does not come.
  func ending(of replica: Int) -> GetReport.Ending {
    state.withLock { state in
      if state.isLate { return .late }
      if state.replicas[replica].hasStalled { return .stalled }
      if Task.isCancelled { return .cancelled }
      return state.replicas[replica].hasFailed ? .failed : .missing
    }
  }

  /// What a reader has learnt of its replica beyond how its call ended.
  func outcome(of replica: Int) -> CircuitBreaker.Outcome? {
    state.withLock { state in
      let replica = state.replicas[replica]
      if replica.hasFailed { return .failed }
      if replica.hasStalled { return .timedOut }
      return nil
    }
  }

  /// Ends everything at the deadline, or when one replica lets the others wait for too long.
  func watch(until deadline: ContinuousClock.Instant, stallTimeout: Duration) async {
    while !Task.isCancelled {
      let now = ContinuousClock.now
      let next = state.withLock { state -> ContinuousClock.Instant? in
        if now >= deadline {
          state.isLate = true
          return nil
        }
        guard let waiting = state.waiting else { return min(deadline, now + stallTimeout) }
        guard now >= waiting.since + stallTimeout else {
          return min(deadline, waiting.since + stallTimeout)
        }
        state.replicas[waiting.replica].hasStalled = true
        return nil
      }
      guard let next else { return close() }
      try? await Task.sleep(until: next, clock: .continuous)
    }
  }
}
