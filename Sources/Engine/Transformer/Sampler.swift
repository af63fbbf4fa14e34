import Glibc
import Kernels
package import MeshTypes

/// A token that was chosen.
package struct SampledToken: Hashable, Sendable {
  package var id: TokenID
  /// The natural logarithm of its probability under the model itself: before temperature and filters.
  package var logprob: Float

  package init(id: TokenID, logprob: Float) {
    self.id = id
    self.logprob = logprob
  }
}

/// Chooses tokens from logits. What it chooses depends on its arguments only; it is a value with
/// scratch memory, one per thread.
///
/// Not-a-number counts as the least likely, and infinities as the largest and smallest finite
/// numbers, so that no logits are an error.
package struct Sampler: Sendable {
  private struct Candidate {
    var id: TokenID
    var logit: Float
    var weight: Double = 0

    /// Most likely first, the lowest id among equals.
    static func comesFirst(_ one: Self, _ other: Self) -> Bool {
      one.logit != other.logit ? one.logit > other.logit : one.id < other.id
    }
  }

  private var weights: [Float] = []
  private var candidates: [Candidate] = []

  package init() {}

  /// Chooses the token for a position.
  ///
  /// - Parameters:
  ///   - logits: One per entry of the vocabulary; at least one.
  ///   - parameters: Already validated.
  ///   - position: The new token's position in its sequence: with the seed, the key of the draw.
  package mutating func sample(
    _ logits: Span<Float>,
    _ parameters: SamplingParameters,
    position: Int
  ) -> SampledToken {
    precondition(!logits.isEmpty, "no logits")
    let (best, allFinite) = VectorKernels.largest(logits)
    guard allFinite else {
      let finite = Self.finite(logits)
      return sample(finite.span, parameters, position: position)
    }
    let id =
      parameters.temperature > 0 && parameters.topK != 1
      ? draw(logits, largest: logits[best], parameters, position: position) : TokenID(best)
    return SampledToken(id: id, logprob: logprob(of: id, logits, largest: logits[best]))
  }

  private static func finite(_ logits: Span<Float>) -> [Float] {
    let limit = Float.greatestFiniteMagnitude
    return logits.indices.map { index in
      let logit = logits[index]
      return logit.isNaN ? -limit : min(max(logit, -limit), limit)
    }
  }

  private mutating func logprob(
    of id: TokenID,
    _ logits: Span<Float>,
    largest: Float
  ) -> Float {
    VectorKernels.exponentials(of: logits, maximum: largest, factor: 1, into: &weights)
    return logits[Int(id)] - largest - Float(log(total(of: weights)))
  }

  private mutating func draw(
    _ logits: Span<Float>,
    largest: Float,
    _ parameters: SamplingParameters,
    position: Int
  ) -> TokenID {
    // Bounded, so that the largest logit's distance, 0, times the factor is 0.
    let factor = min(1 / parameters.temperature, 1e30)
    VectorKernels.exponentials(of: logits, maximum: largest, factor: factor, into: &weights)
    let uniform = Philox.uniform(seed: parameters.seed, position: position)
    let minimum = Double(parameters.minP)
    guard (1..<logits.count).contains(parameters.topK) || parameters.topP < 1 else {
      return drawAny(minimum: parameters.minP, uniform)
    }
    if (1..<logits.count).contains(parameters.topK) {
      collect(logits, largest: largest, factor) { $0.count >= parameters.topK }
      candidates.removeLast(candidates.count - parameters.topK)
      keep(probability: Double(parameters.topP), of: candidates.reduce(0) { $0 + $1.weight })
    } else {
      let goal = Double(parameters.topP) * total(of: weights)
      collect(logits, largest: largest, factor) { $0.reduce(0) { $0 + $1.weight } >= goal }
      keep(probability: Double(parameters.topP), of: total(of: weights))
    }
    return drawCandidate(minimum: minimum, uniform)
  }

  /// The sum, in double precision.
  private func total(of weights: [Float]) -> Double {
    // Eight independent sums, so that additions overlap.
    var sums = SIMD8<Double>()
    var index = 0
    while index + 8 <= weights.count {
      for lane in 0..<8 { sums[lane] += Double(weights[index + lane]) }
      index += 8
    }
    return weights[index...].reduce(sums.sum()) { $0 + Double($1) }
  }

  /// Fills `candidates` with the most likely tokens, sorted, taking in less and less likely ones until
  /// there are enough. So the vocabulary is not sorted as a whole.
  private mutating func collect(
    _ logits: Span<Float>,
    largest: Float,
    _ factor: Float,
    until isEnough: ([Candidate]) -> Bool
  ) {
    // A distance of 4 is a likelihood of 2 % of the most likely token's.
    for distance: Float in [4, 8, 16, .infinity] {
      let floor = largest - distance / factor
      candidates.removeAll(keepingCapacity: true)
      for index in logits.indices where logits[index] >= floor {
        candidates.append(
          Candidate(
            id: TokenID(index),
            logit: logits[index],
            weight: Double(weights[index])
          )
        )
      }
      if isEnough(candidates) { break }
    }
    candidates.sort(by: Candidate.comesFirst)
  }

  /// Keeps the fewest candidates from the front that have at least a share of `total`.
  private mutating func keep(probability: Double, of total: Double) {
    guard probability < 1 else { return }
    var sum = 0.0
    for index in candidates.indices {
      sum += candidates[index].weight
      if sum >= probability * total {
        candidates.removeLast(candidates.count - index - 1)
        return
      }
    }
  }

  /// Draws among the candidates that are at least `minimum` times as likely as the first.
  private func drawCandidate(minimum: Double, _ uniform: Double) -> TokenID {
    // The first candidate's weight is 1.
    let kept = candidates.prefix { $0.weight >= minimum }
    let goal = uniform * kept.reduce(0) { $0 + $1.weight }
    var sum = 0.0
    for candidate in kept {
      sum += candidate.weight
      if sum > goal { return candidate.id }
    }
    return candidates[0].id
  }

  /// Draws among all tokens that are at least `minimum` times as likely as the most likely one.
  private func drawAny(minimum: Float, _ uniform: Double) -> TokenID {
    var total = 0.0
    for weight in weights where weight >= minimum { total += Double(weight) }
    let goal = uniform * total
    var sum = 0.0
    var last = 0
    for index in weights.indices where weights[index] >= minimum && weights[index] > 0 {
      sum += Double(weights[index])
      last = index
      if sum > goal { break }
    }
    return TokenID(last)
  }
}
