/// A linear model y = w₀x₀ + w₁x₁ + w₂x₂ with weights of at least 0, learnt from what is observed.
///
/// Weighted least squares on *relative* errors, so that small and large observations count alike;
/// older observations fade (recursive least squares with exponential forgetting), and a prior takes
/// over where they leave a weight open.
package struct LeastSquares: Sendable {
  /// The number of weights.
  package static let dimension = 3

  private let prior: [Double]
  /// How much the prior counts, in observations.
  private let priorWeight: Double
  /// What is left of an observation's weight when the next one comes.
  private let retention: Double
  /// What is left of them each time that nothing is learnt.
  private static let doubt = 0.9
  /// The normal equations of the observations, row by row: Σ w x xᵀ and Σ w x y.
  private var matrix = [Double](repeating: 0, count: dimension * dimension)
  private var vector = [Double](repeating: 0, count: dimension)
  /// The weights as learnt so far.
  package private(set) var weights: [Double]

  /// Creates a model that says what its prior does.
  ///
  /// - Parameters:
  ///   - prior: Three positive weights.
  ///   - priorWeight: How much the prior counts, in observations.
  ///   - retention: What is left of an observation's weight when the next one comes, in 0...1.
  package init(prior: [Double], priorWeight: Double = 0.05, retention: Double = 0.95) {
    precondition(prior.count == Self.dimension && prior.allSatisfy { $0 > 0 })
    self.prior = prior
    self.priorWeight = priorWeight
    self.retention = retention
    self.weights = prior
  }

  /// The model's value.
  package func value(_ x: [Double]) -> Double {
    weights[0] * x[0] + weights[1] * x[1] + weights[2] * x[2]
  }

  /// Takes an observation in; values of 0 or less, and those that are no numbers, are ignored.
  ///
  /// - Parameter share: How much it counts, and makes older ones fade, in 0...1.
  package mutating func observe(_ x: [Double], _ y: Double, share: Double = 1) {
    guard y.isFinite, y > 0, x.allSatisfy({ $0.isFinite && $0 >= 0 }) else { return }
    fade(by: 1 - (1 - retention) * share)
    let weight = share / (y * y)
    for row in 0..<Self.dimension {
      for column in 0..<Self.dimension {
        matrix[row * Self.dimension + column] += weight * x[row] * x[column]
      }
      vector[row] += weight * x[row] * y
    }
    solve()
  }

  /// Trusts the observations less: nothing new was learnt in a case where it could have been.
  package mutating func forget() {
    fade(by: Self.doubt)
    solve()
  }

  private mutating func fade(by factor: Double) {
    for index in matrix.indices { matrix[index] *= factor }
    for index in vector.indices { vector[index] *= factor }
  }

  /// Solves twice: what the observations say almost alone tells how large the weights are, and so
  /// how much a prior of `priorWeight` observations of that size is.
  private mutating func solve() {
    let scale = nonNegativeSolution(scale: prior, priorWeight: 1e-9 * priorWeight)
    let solution = nonNegativeSolution(
      scale: zip(scale, prior).map { max($0, $1) },
      priorWeight: priorWeight
    )
    // Observations beyond all machines round the prior away, and alone need not say what weights are.
    guard solution.allSatisfy(\.isFinite) else { return }
    weights = solution
  }

  /// The weights; those that come out negative are 0, and the rest is solved again.
  private func nonNegativeSolution(scale: [Double], priorWeight: Double) -> [Double] {
    var free = Set(0..<Self.dimension)
    while true {
      let solution = solution(over: free.sorted(), scale: scale, priorWeight: priorWeight)
      guard let negative = free.min(by: { solution[$0] < solution[$1] }), solution[negative] < 0
      else { return solution }
      free.remove(negative)
    }
  }

  /// The weights if only `free` ones may differ from 0: Gaussian elimination with pivoting, in units
  /// of `scale`.
  private func solution(over free: [Int], scale: [Double], priorWeight: Double) -> [Double] {
    let size = free.count
    var rows = free.map { row in
      free.map { column in
        matrix[row * Self.dimension + column] * scale[row] * scale[column]
          + (row == column ? priorWeight : 0)
      } + [vector[row] * scale[row] + priorWeight * prior[row] / scale[row]]
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
      solution[index] = rows[row][size] / rows[row][row] * scale[index]
    }
    return solution
  }
}
