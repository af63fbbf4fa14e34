import Scheduling

/// A prefix computed once: the whole time, and that of each step.
struct Computation: Sendable {
  let tokens: Int
  let chunk: Int
  let milliseconds: Double
  let stepMicroseconds: [Double]

  /// Shows a cost model the steps.
  func teach(_ model: inout TransferModel) {
    for (index, microseconds) in stepMicroseconds.enumerated() {
      var work = TransferModel.StepWork()
      work.add(index * chunk..<min((index + 1) * chunk, tokens))
      model.observe(work, microseconds: microseconds)
    }
  }
}

/// What was measured of computing prefixes of some lengths.
struct Computations {
  private var all: [Int: [Computation]] = [:]

  mutating func add(_ computation: Computation) {
    all[computation.tokens, default: []].append(computation)
  }

  /// The median of the times in milliseconds.
  func milliseconds(tokens: Int) -> Double {
    median(all[tokens, default: []].map(\.milliseconds))
  }

  /// One of the measurements.
  func any(tokens: Int, using random: inout some RandomNumberGenerator) -> Computation? {
    all[tokens]?.randomElement(using: &random)
  }
}

/// The median; 0 of nothing.
func median(_ values: [Double]) -> Double {
  let sorted = values.sorted()
  guard !sorted.isEmpty else { return 0 }
  return (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
}
