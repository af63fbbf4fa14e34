import Foundation
import MeshTypes
import TestSupport
import Testing
import Transformer

@Suite struct SamplerTests {
  private var sampler = Sampler()

  private mutating func sample(
    _ logits: [Float],
    _ parameters: SamplingParameters = SamplingParameters(),
    position: Int = 0
  ) -> SampledToken {
    sampler.sample(logits.span, parameters, position: position)
  }

  /// How often each id is drawn at `count` positions.
  private mutating func frequencies(
    _ logits: [Float],
    _ parameters: SamplingParameters,
    count: Int = 20_000
  ) -> [Double] {
    var hits = [Int](repeating: 0, count: logits.count)
    for position in 0..<count { hits[Int(sample(logits, parameters, position: position).id)] += 1 }
    return hits.map { Double($0) / Double(count) }
  }

  /// Expects the drawn frequencies to be near `expected`, and ids of probability 0 never drawn.
  private mutating func expect(
    _ expected: [Double],
    _ logits: [Float],
    _ parameters: SamplingParameters,
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    let found = frequencies(logits, parameters)
    for (found, expected) in zip(found, expected) {
      // Five standard deviations of 20 000 draws.
      let tolerance = 5 * (expected * (1 - expected) / 20_000).squareRoot()
      #expect(abs(found - expected) <= tolerance, sourceLocation: sourceLocation)
    }
  }

  private static func softmax(_ logits: [Float], temperature: Double = 1) -> [Double] {
    let weights = logits.map { exp(Double($0) / temperature) }
    return weights.map { $0 / weights.reduce(0, +) }
  }

  private static let logits: [Float] = [1, 3, 2, 0, 2.5, -1, 2.5, 0.5]

  @Test mutating func greedyTakesTheLargestAndTheLowestIDAmongEquals() {
    #expect(sample(Self.logits).id == 1)
    #expect(sample([1, 5, 5, 5]).id == 1)
    #expect(sample([0]).id == 0)
  }

  @Test mutating func logProbabilitiesAreTheModels() {
    let expected = Self.softmax(Self.logits)
    #expect(abs(Double(sample(Self.logits).logprob) - log(expected[1])) < 1e-6)
    for position in 0..<50 {
      let parameters = SamplingParameters(temperature: 3, topK: 5, topP: 0.9, minP: 0.01, seed: 5)
      let token = sample(Self.logits, parameters, position: position)
      #expect(abs(Double(token.logprob) - log(expected[Int(token.id)])) < 1e-6)
    }
  }

  @Test mutating func temperatureAloneDrawsFromTheSoftmax() {
    expect(
      Self.softmax(Self.logits),
      Self.logits,
      SamplingParameters(temperature: 1, seed: 1)
    )
    expect(
      Self.softmax(Self.logits, temperature: 2.5),
      Self.logits,
      SamplingParameters(temperature: 2.5, seed: 2)
    )
  }

  @Test mutating func aLowTemperatureIsGreedyAndAHighOneUniform() {
    for temperature: Float in [.leastNonzeroMagnitude, 1e-30, 1e-3] {
      for position in 0..<100 {
        let parameters = SamplingParameters(temperature: temperature, topP: 0.9, seed: 3)
        #expect(sample(Self.logits, parameters, position: position).id == 1)
      }
    }
    expect(
      Self.softmax(Self.logits, temperature: 100),
      Self.logits,
      SamplingParameters(temperature: 100, seed: 4)
    )
  }

  @Test mutating func topKKeepsTheMostLikely() {
    // Of the equal logits 4 and 6 the lower id is kept.
    for (topK, kept) in [(1, [1]), (2, [1, 4]), (3, [1, 4, 6]), (4, [1, 4, 6, 2])] {
      let total = kept.reduce(0) { $0 + exp(Double(Self.logits[$1])) }
      let expected = Self.logits.indices.map {
        kept.contains($0) ? exp(Double(Self.logits[$0])) / total : 0
      }
      expect(expected, Self.logits, SamplingParameters(temperature: 1, topK: topK, seed: 5))
    }
    for topK in [8, 9, 1_000_000] {
      expect(
        Self.softmax(Self.logits),
        Self.logits,
        SamplingParameters(temperature: 1, topK: topK, seed: 6)
      )
    }
  }

  @Test mutating func topPKeepsTheFewestThatReachIt() {
    let probabilities = Self.softmax(Self.logits)
    let order = [1, 4, 6, 2, 0, 7, 3, 5]
    for keptCount in 1...8 {
      let kept = order.prefix(keptCount)
      let sum = kept.reduce(0) { $0 + probabilities[$1] }
      let before = sum - probabilities[order[keptCount - 1]]
      let topP = Float((sum + before) / 2)
      let expected = probabilities.indices.map { kept.contains($0) ? probabilities[$0] / sum : 0 }
      expect(expected, Self.logits, SamplingParameters(temperature: 1, topP: topP, seed: 7))
    }
  }

  @Test mutating func topPAppliesToWhatTopKKept() {
    // Kept by top-k: 1 and 4, with 62 % and 38 %; so 0.6 keeps the first only.
    expect(
      [0, 1, 0, 0, 0, 0, 0, 0],
      Self.logits,
      SamplingParameters(temperature: 1, topK: 2, topP: 0.6, seed: 8)
    )
  }

  @Test mutating func minPDropsTheUnlikely() {
    // exp(-0.5) = 0.61 and exp(-1) = 0.37 of the most likely.
    let total = exp(3.0) + 2 * exp(2.5)
    let expected = [0, exp(3.0) / total, 0, 0, exp(2.5) / total, 0, exp(2.5) / total, 0]
    expect(expected, Self.logits, SamplingParameters(temperature: 1, minP: 0.5, seed: 9))
    expect(
      expected,
      Self.logits,
      SamplingParameters(temperature: 1, topP: 0.999, minP: 0.5, seed: 10)
    )
    expect(
      [0, 1, 0, 0, 0, 0, 0, 0],
      Self.logits,
      SamplingParameters(temperature: 1, minP: 1, seed: 11)
    )
  }

  @Test mutating func theSameArgumentsGiveTheSameToken() {
    var random = SeededGenerator(seed: 12)
    let logits = random.floats(5000, scale: 2)
    let parameters = SamplingParameters(
      temperature: 1.2,
      topK: 700,
      topP: 0.95,
      minP: 0.001,
      seed: 6
    )
    for position in 0..<100 {
      var fresh = Sampler()
      let token = sample(logits, parameters, position: position)
      #expect(token == fresh.sample(logits.span, parameters, position: position))
    }
    let ids = Set((0..<100).map { sample(logits, parameters, position: $0).id })
    #expect(ids.count > 20)
  }

  @Test mutating func filtersOverALargeVocabularyKeepExactlyTheRightTokens() {
    for seed: UInt64 in 0..<10 {
      var random = SeededGenerator(seed: seed)
      let logits = random.floats(3000, scale: Float.random(in: 0.01...4, using: &random))
      let order = logits.indices.sorted {
        logits[$0] != logits[$1] ? logits[$0] > logits[$1] : $0 < $1
      }
      let topK = Int.random(in: 1...3000, using: &random)
      let kept = Set(order.prefix(topK).map { TokenID($0) })
      let probabilities = Self.softmax(logits)
      let topP = Float.random(in: 0.05...0.99, using: &random)
      var sum = 0.0
      let nucleus = order.prefix { index in
        defer { sum += probabilities[index] }
        return sum < Double(topP) + 1e-6
      }
      for position in 0..<200 {
        let byK = SamplingParameters(temperature: 1, topK: topK, seed: seed)
        #expect(kept.contains(sample(logits, byK, position: position).id), "seed \(seed)")
        let byP = SamplingParameters(temperature: 1, topP: topP, seed: seed)
        #expect(nucleus.contains(Int(sample(logits, byP, position: position).id)), "seed \(seed)")
      }
    }
  }

  @Test mutating func nonFiniteLogitsNeverFail() {
    let inf = Float.infinity, nan = Float.nan
    let rows: [([Float], greedy: TokenID)] = [
      ([nan, 1, 2], 2), ([1, nan, -inf], 0), ([nan, nan], 0), ([-inf, -inf, -inf], 0),
      ([1, inf, inf], 1), ([inf, nan, -inf], 0), ([-inf, -1e38, nan], 1),
    ]
    let settings = [
      SamplingParameters(), SamplingParameters(temperature: 1, seed: 1),
      SamplingParameters(temperature: 1e-30, seed: 2),
      SamplingParameters(temperature: 100, topK: 2, topP: 0.5, minP: 0.5, seed: 3),
    ]
    for (logits, greedy) in rows {
      #expect(sample(logits).id == greedy)
      for parameters in settings {
        let token = sample(logits, parameters)
        #expect(token.id < logits.count)
        #expect(!token.logprob.isNaN)
        #expect(token.logprob <= 0)
      }
    }
  }
}
