import Synchronization

/// Spreads reads out so that they stay below a number of bytes a second.
final class Throttle: Sendable {
  private let secondsPerByte: Double
  private let free: Mutex<ContinuousClock.Instant>

  /// Creates a throttle.
  ///
  /// - Parameter bytesPerSecond: At least 1.
  init(bytesPerSecond: Int) {
    secondsPerByte = 1 / Double(bytesPerSecond)
    free = Mutex(.now)
  }

  /// Waits for this read's turn.
  func wait(byteCount: Int) async throws {
    let turn = free.withLock { free in
      let start = max(free, .now)
      free = start + .seconds(Double(byteCount) * secondsPerByte)
      return free
    }
    try await ContinuousClock().sleep(until: turn)
  }
}
