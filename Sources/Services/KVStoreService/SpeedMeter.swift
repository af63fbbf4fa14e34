import Synchronization

/// A speed measured while it is used, in bytes a second: the latest reads count the most.
final class SpeedMeter: Sendable {
  private struct Sums {
    var bytes = 0.0
    var seconds = 0.0
    var latestEnd: ContinuousClock.Instant?
  }

  /// What a read keeps of the sums: some twenty reads count.
  private static let memory = 0.95
  /// A read counts as at most so many times slower than expected: a reader that stalls tells
  /// nothing about the store.
  private static let mostSlowdown = 4.0

  private let sums = Mutex(Sums())
  private let assumed: Double

  /// Creates a meter.
  ///
  /// - Parameter assumed: The speed to expect before the first read.
  init(assumed: Double) { self.assumed = assumed }

  /// Notes a read. Of reads that overlap, each counts from the end of the one before.
  func note(byteCount: Int, from start: ContinuousClock.Instant, to end: ContinuousClock.Instant) {
    sums.withLock { sums in
      let begin = max(start, sums.latestEnd ?? start)
      sums.latestEnd = max(end, sums.latestEnd ?? end)
      var seconds = max((end - begin) / .seconds(1), 1e-9)
      if sums.bytes > 0 {
        seconds = min(seconds, Self.mostSlowdown * Double(byteCount) * sums.seconds / sums.bytes)
      }
      sums.bytes = sums.bytes * Self.memory + Double(byteCount)
      sums.seconds = sums.seconds * Self.memory + seconds
    }
  }

  /// Bytes a second; nil before the first read.
  var measured: Double? {
    sums.withLock { $0.bytes > 0 ? $0.bytes / $0.seconds : nil }
  }

  /// How long reading `byteCount` bytes would take, in microseconds.
  func microseconds(byteCount: Int) -> UInt64 {
    UInt64(Double(byteCount) / (measured ?? assumed) * 1e6)
  }
}
