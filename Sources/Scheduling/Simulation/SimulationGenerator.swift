import MeshTypes

/// SplitMix64: the same seed gives the same numbers on every machine.
package struct SimulationGenerator: RandomNumberGenerator, Sendable {
  private var state: UInt64

  /// Creates a generator.
  package init(seed: UInt64) { state = seed }

  /// The next 64 bits.
  package mutating func next() -> UInt64 {
    state &+= SplitMix64.increment
    return SplitMix64.mix(state)
  }

  /// Whether something of this probability happens.
  package mutating func happens(_ probability: Double) -> Bool {
    Double.random(in: 0..<1, using: &self) < probability
  }

  /// The time until the next of events that happen independently of each other.
  ///
  /// - Parameter mean: Greater than 0.
  package mutating func exponential(mean: Double) -> Double {
    -mean * Self.naturalLogarithm(1 - Double.random(in: 0..<1, using: &self))
  }

  /// Not libm's, whose last digits differ from machine to machine.
  package static func naturalLogarithm(_ value: Double) -> Double {
    precondition(value > 0 && value.isFinite)
    let natural2 = 0.693_147_180_559_945_3
    // ln(m) = 2 artanh((m - 1) / (m + 1)), with m in 1..<2.
    let ratio = (value.significand - 1) / (value.significand + 1)
    var power = ratio
    var sum = 0.0
    for odd in stride(from: 1.0, through: 31, by: 2) {
      sum += power / odd
      power *= ratio * ratio
    }
    return Double(value.exponent) * natural2 + 2 * sum
  }
}
