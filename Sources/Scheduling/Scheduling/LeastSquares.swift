/// A linear model y = w₀x₀ + w₁x₁ + w₂x₂ with weights of at least 0, learnt from what is observed.
///
/// Weighted least squares on *relative* errors, so that small and large observations count alike;
/// older observations fade (recursive least squares with exponential forgetting), and a prior takes
/// over where they leave a weight open.
struct LeastSquares: Sendable {
  /// The number of weights.
  static let dimension = 3

  private let prior: [Double]
  /// How much the prior counts, in observations.
  private let priorWeight: Double
  /// What is left of an observation's weight when the next one comes.
  private let retention: Double
  /// The normal equations of the observations, row by row: Σ w x xᵀ and Σ w x y.
  private var matrix = [Double](repeating: 0, count: dimension * dimension)
  private var vector = [Double](repeating: 0, count: dimension)
  /// The weights as learnt so far.
  private(set) var weights: [Double]

  /// Creates a model that says what its prior does.
  ///
  /// - Parameters:
  ///   - prior: Three positive weights.
  ///   - priorWeight: How much the prior counts, in observations.
  ///   - retention: What is left of an observation's weight when the next one comes, in 0...1.
  init(prior: [Double], priorWeight: Double = 0.05, retention: Double = 0.97) {
    precondition(prior.count == Self.dimension && prior.allSatisfy { $0 > 0 })
    self.prior = prior
    self.priorWeight = priorWeight
    self.retention = retention
    self.weights = prior
  }

  /// The model's value.
  func value(_ x: [Double]) -> Double {
    weights[0] * x[0] + weights[1] * x[1] + weights[2] * x[2]
  }

  /// Takes an observation in; values of 0 or less, and those that are no numbers, are ignored.
  mutating func observe(_ x: [Double], _ y: Double) {
    guard y.isFinite, y > 0, x.allSatisfy({ $0.isFinite && $0 >= 0 }) else { return }
    fade(by: retention)
    let weight = 1 / (y * y)
    for row in 0..<Self.dimension {
      for column in 0..<Self.dimension {
        matrix[row * Self.dimension + column] += weight * x[row] * x[column]
      }
      vector[row] += weight * x[row] * y
    }
    solve()
  }

  /// Trusts the observations less: nothing new was learnt in a case where it could have been.
  mutating func forget() {
    fade(by: retention)
    solve()
  }

  private mutating func fade(by factor: Double) {
    for index in matrix.indices { matrix[index] *= factor }
    for index in vector.indices { vector[index] *= factor }
  }

  /// Solves for all weights; those that come out negative are 0, and the rest is solved again.
  private mutating func solve() {
    var free = Set(0..<Self.dimension)
    while true {
      let solution = solution(over: free.sorted())
      guard let negative = free.min(by: { solution[$0] < solution[$1] }), solution[negative] < 0
      else {
        weights = solution
        return
      }
      free.remove(negative)
    }
  }

  /// The weights if only `free` ones may differ from 0: Gaussian elimination with pivoting.
  private func solution(over free: [Int]) -> [Double] {
    let size = free.count
    // Scaled by the prior, so that all unknowns are about 1 and the prior is the unit matrix.
    var rows = free.map { row in
      free.map { column in
        matrix[row * Self.dimension + column] * prior[row] * prior[column]
          + (row == column ? priorWeight : 0)
      } + [vector[row] * prior[row] + priorWeight]
    }
    for pivot in 0..<size {
      let best = (pivot..<size).max { abs(rows[$0][pivot]) < abs(rows[$1][pivot]) } ?? pivot
      rows.swapAt(pivot, best)
      for row in 0..<size where row != pivot {
        let factor = rows[row][pivot] / rows[pivot][pivot]
        for column in pivot...size { rows[row][column] -= factor * rows[pivot][column] }
      }
    }
    var solution = [Double](repeating: 0, count: Self.dimension)
    for (row, index) in free.enumerated() {
      solution[index] = rows[row][size] / rows[row][row] * prior[index]
    }
    return solution
  }
}
