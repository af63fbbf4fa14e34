import MeshTypes
import Synchronization

/// Wakes those who watch evictions. What there is to tell they read from the tier's log, so that a
/// slow watcher costs nothing but its place here.
final class EvictionSignal: Sendable {
  private struct State {
    var watchers: [Int: AsyncStream<Void>.Continuation] = [:]
    var nextWatcher = 0
  }

  private static let mostWatchers = 256
  private let state = Mutex(State())

  /// Tells that there may be new evictions.
  func notify() {
    state.withLock { for watcher in $0.watchers.values { watcher.yield() } }
  }

  /// Runs `body` with a stream that has an element when there may be new evictions, and at once.
  ///
  /// - Throws: ``MeshError`` `resourceExhausted` if too many watch already.
  func watch(_ body: (AsyncStream<Void>) async throws -> Void) async throws {
    let (signals, continuation) = AsyncStream.makeStream(
      of: Void.self,
      bufferingPolicy: .bufferingNewest(1)
    )
    let id = try state.withLock { (state) throws(MeshError) -> Int in
      guard state.watchers.count < Self.mostWatchers else {
        throw MeshError(.resourceExhausted, "\(Self.mostWatchers) calls watch already")
      }
      defer { state.nextWatcher += 1 }
      state.watchers[state.nextWatcher] = continuation
      return state.nextWatcher
    }
    defer { state.withLock { _ = $0.watchers.removeValue(forKey: id) } }
    continuation.yield()
    try await body(signals)
  }
}
