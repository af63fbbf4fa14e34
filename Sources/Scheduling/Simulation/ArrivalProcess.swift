/// How requests follow each other.
package enum ArrivalProcess: Hashable, Sendable {
  /// Independently, so many a second on average.
  case poisson(perSecond: Double)
  /// `size` at once, so many bursts a second on average.
  case bursts(size: Int, perSecond: Double)
  /// All at the beginning.
  case atOnce

  /// The times of `count` requests, in microseconds.
  package func times(
    _ count: Int,
    using generator: inout SimulationGenerator
  ) -> [Int] {
    var times: [Int] = []
    var now = 0.0
    while times.count < count {
      switch self {
      case .poisson(let rate):
        now += generator.exponential(mean: 1e6 / rate)
        times.append(Int(now))
      case .bursts(let size, let rate):
        now += generator.exponential(mean: 1e6 / rate)
        times += Array(repeating: Int(now), count: min(max(1, size), count - times.count))
      case .atOnce: times.append(0)
      }
    }
    return times
  }
}
