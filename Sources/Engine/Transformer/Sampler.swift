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
  private var weights: [Float] = []
  private var candidates = CandidateHeap()
  /// Logits that were not finite, made so.
  private var finite: [Float] = []

  /// - Parameter vocabularySize: How many logits to have room for: as many as that are sampled from
  ///   without allocating.
  package init(vocabularySize: Int = 0) {
    weights.reserveCapacity(vocabularySize)
    finite.reserveCapacity(vocabularySize)
    candidates.reserve(vocabularySize)
  }

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
    guard allFinite else { return sampleFinite(logits, parameters, position: position) }
    let id =
      parameters.temperature > 0 && parameters.topK != 1
      ? draw(logits, largest: logits[best], parameters, position: position) : TokenID(best)
    return SampledToken(id: id, logprob: logprob(of: id, logits, largest: logits[best]))
  }

  private mutating func sampleFinite(
    _ logits: Span<Float>,
    _ parameters: SamplingParameters,
    position: Int
  ) -> SampledToken {
    let limit = Float.greatestFiniteMagnitude
    // Taken out meanwhile: the call reads it and changes the rest.
    var finite = self.finite
    self.finite = []
    finite.removeAll(keepingCapacity: true)
    for index in logits.indices {
      let logit = logits[index]
      finite.append(logit.isNaN ? -limit : min(max(logit, -limit), limit))
    }
    defer { self.finite = finite }
    return sample(finite.span, parameters, position: position)
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
    let keptCount: Int
    if (1..<logits.count).contains(parameters.topK) {
      collect(logits, largest: largest, factor, count: parameters.topK)
      keptCount = sortLikeliest(parameters.topK, probability: Double(parameters.topP))
    } else {
      let goal = Double(parameters.topP) * total(of: weights)
      collect(logits, largest: largest, factor, weight: goal)
      keptCount = sort(weight: goal)
    }
    return drawCandidate(keptCount, minimum: minimum, uniform)
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

  /// Fills `candidates` with the most likely tokens, taking in less and less likely ones until there
  /// are at least `count`, of at least `weight` together. So the vocabulary is not sorted as a whole.
  private mutating func collect(
    _ logits: Span<Float>,
    largest: Float,
    _ factor: Float,
    count: Int = 0,
    weight: Double = 0
  ) {
    // A likelihood of 2 % of the most likely token's, then 0.03 %, and so on.
    var distance: Float = 4
    while true {
      let floor = largest - distance / factor
      var sum = 0.0
      candidates.removeAll()
      for index in logits.indices where logits[index] >= floor {
        let weight = Double(weights[index])
        candidates.append(Candidate(id: TokenID(index), logit: logits[index], weight: weight))
        sum += weight
      }
      if candidates.count >= count && sum >= weight || distance == .infinity { break }
      distance = distance < 16 ? 2 * distance : .infinity
    }
    candidates.order()
  }

  /// Sorts the `count` most likely candidates.
  ///
  /// - Returns: How many of them have a share of `probability` of these.
  private mutating func sortLikeliest(_ count: Int, probability: Double) -> Int {
    var total = 0.0
    while candidates.sortedCount < count, let next = candidates.sortNext() { total += next.weight }
    guard probability < 1 else { return candidates.sortedCount }
    var sum = 0.0
    for rank in 0..<candidates.sortedCount {
      sum += candidates[rank].weight
      if sum >= probability * total { return rank + 1 }
    }
    return candidates.sortedCount
  }

  /// Sorts the fewest candidates that have some weight together, at least one, and returns how many
  /// they are.
  private mutating func sort(weight: Double) -> Int {
    var sum = 0.0
    while let next = candidates.sortNext() {
      sum += next.weight
      if sum >= weight { break }
    }
    return candidates.sortedCount
  }

  /// Draws among those of the `count` first candidates that are at least `minimum` times as likely as
  /// the first.
  private func drawCandidate(_ count: Int, minimum: Double, _ uniform: Double) -> TokenID {
    // The first candidate's weight is 1.
    var total = 0.0, kept = 0
    while kept < count, candidates[kept].weight >= minimum {
      total += candidates[kept].weight
      kept += 1
    }
    let goal = uniform * total
    var sum = 0.0
    for rank in 0..<kept {
      sum += candidates[rank].weight
      if sum > goal { return candidates[rank].id }
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
