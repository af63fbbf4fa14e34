/// Waiting times between tries: doubling from a first to a longest delay, each drawn from the
/// upper half of its step so that many clients do not come back at once.
package struct Backoff: Sendable {
  private let longest: Duration
  private var next: Duration
  private let first: Duration

  /// Creates a sequence of delays.
  package init(first: Duration = .milliseconds(50), longest: Duration = .seconds(2)) {
    self.first = first
    self.longest = longest
    self.next = first
  }

  /// The delay to wait now; the following one is up to twice as long.
  package mutating func delay(using generator: inout some RandomNumberGenerator) -> Duration {
    let step = next
    next = min(next * 2, longest)
    return step * Double.random(in: 0.5...1, using: &generator)
  }

  /// Begins again with the first delay, after a success.
  package mutating func reset() { next = first }
}
