import Foundation
import MeshTypes
import TestSupport
import Testing
import Transformer

@Suite("Sampling under constraints")
struct ConstrainedSamplerTests {
  private static let logits: [Float] = [1, 3, 2, 0, 2.5, -1, 2.25, 0.5]

  private var sampler = ConstrainedSampler()

  private mutating func greedy(
    _ change: (inout SamplingParameters) -> Void,
    prompt: [TokenID] = [7],
    output: [TokenID] = [],
    ends: [TokenID] = [],
    allowed: [UInt64]? = nil
  ) -> SampledToken {
    var parameters = SamplingParameters()
    change(&parameters)
    return sampler.sample(
      Self.logits.span,
      parameters,
      history: TokenHistory(tokenIDs: prompt + output, promptCount: prompt.count),
      endTokenIDs: ends,
      allowed: allowed
    )
  }

  @Test("without any is sampling")
  mutating func none() {
    var plain = Sampler()
    for position in 1..<50 {
      let parameters = SamplingParameters(temperature: 2, topK: 5, seed: 3)
      let history = TokenHistory(tokenIDs: Array(repeating: 1, count: position), promptCount: 1)
      #expect(
        sampler.sample(Self.logits.span, parameters, history: history)
          == plain.sample(Self.logits.span, parameters, position: position)
      )
    }
  }

  @Test("the repetition penalty divides positive logits and multiplies negative ones, once a token")
  mutating func repetition() {
    // 3 / 1.5 = 2 falls behind 2.5; the prompt counts, however often it has a token.
    #expect(greedy({ $0.penalties.repetition = 1.5 }, prompt: [1, 1, 1]).id == 4)
    #expect(greedy({ $0.penalties.repetition = 1.15 }, prompt: [1, 1, 1]).id == 1)
    #expect(greedy({ $0.penalties.repetition = 1.15 }, prompt: [1], output: [4, 1, 4]).id == 1)
    // Below 1 it favours: 2 / 0.5 = 4.
    #expect(greedy({ $0.penalties.repetition = 0.5 }, prompt: [2]).id == 2)
    let negative: [Float] = [-1, -2]
    var parameters = SamplingParameters()
    parameters.penalties.repetition = 3
    let history = TokenHistory(tokenIDs: [0], promptCount: 1)
    #expect(sampler.sample(negative.span, parameters, history: history).id == 1)
  }

  @Test("presence and frequency penalties are about the output alone, frequency once for each time")
  mutating func presenceAndFrequency() {
    #expect(greedy({ $0.penalties.presence = 1 }, prompt: [1]).id == 1)
    #expect(greedy({ $0.penalties.presence = 1 }, output: [1]).id == 4)
    #expect(greedy({ $0.penalties.presence = 0.4 }, output: [1, 1, 1]).id == 1)
    #expect(greedy({ $0.penalties.frequency = 0.3 }, prompt: [1, 1, 1]).id == 1)
    #expect(greedy({ $0.penalties.frequency = 0.3 }, output: [1]).id == 1)
    #expect(greedy({ $0.penalties.frequency = 0.3 }, output: [1, 1]).id == 4)
    #expect(greedy({ $0.penalties.frequency = -2 }, output: [2]).id == 2)
  }

  @Test("a bias is added, before penalties")
  mutating func bias() {
    #expect(greedy { $0.logitBias = [5: 100] }.id == 5)
    #expect(greedy { $0.logitBias = [1: -1] }.id == 4)
    #expect(greedy { $0.logitBias = [99: 100] }.id == 1)
    #expect(
      greedy(
        {
          $0.logitBias = [0: 5]
          $0.penalties.repetition = 3
        },
        prompt: [0]
      ).id == 1
    )
  }

  @Test("tokens that end the sequence wait for the fewest tokens, counted in the output")
  mutating func minTokens() {
    #expect(greedy({ $0.minTokens = 2 }, output: [3], ends: [1, 4]).id == 6)
    #expect(greedy({ $0.minTokens = 2 }, output: [3, 3], ends: [1, 4]).id == 1)
    #expect(greedy({ $0.minTokens = 2 }, prompt: [3, 3, 3], ends: [1, 4, 999]).id == 6)
  }

  @Test("only allowed tokens are chosen, and the end where nothing else is, however few tokens")
  mutating func allowed() {
    #expect(greedy({ _ in }, allowed: [0b1010_0001]).id == 0)
    #expect(greedy({ $0.minTokens = 5 }, ends: [1], allowed: [0b1010_0010]).id == 7)
    #expect(greedy({ $0.minTokens = 5 }, ends: [1], allowed: [0b0000_0010]).id == 1)
    for position in 1..<200 {
      let token = sampler.sample(
        Self.logits.span,
        SamplingParameters(temperature: 100, topP: 0.99, seed: 5),
        history: TokenHistory(tokenIDs: Array(repeating: 1, count: position), promptCount: 1),
        allowed: [0b0010_1001]
      )
      #expect([0, 3, 5].contains(token.id))
    }
  }

  @Test("beyond a word of 64 tokens too")
  mutating func manyWords() {
    var generator = SeededGenerator(seed: 1)
    let logits = generator.floats(200)
    for _ in 0..<50 {
      let words = (0..<4).map { _ in generator.next() & generator.next() & generator.next() }
      let ids = logits.indices.filter { words[$0 / 64] >> UInt64($0 % 64) & 1 == 1 }
      let best = ids.max { logits[$0] < logits[$1] }
      let token = sampler.sample(
        logits.span,
        SamplingParameters(),
        history: TokenHistory(tokenIDs: [1], promptCount: 1),
        allowed: words
      )
      #expect(best == Int(token.id))
    }
  }

  @Test("probabilities are the model's own, whatever was changed")
  mutating func logprobs() {
    let total = Self.logits.reduce(0.0) { $0 + exp(Double($1)) }
    let expected = Self.logits.map { Float(Double($0) - log(total)) }
    let token = greedy({ $0.logitBias = [5: 100] }, allowed: [0b0010_0001])
    #expect(token.id == 5)
    #expect(abs(token.logprob - expected[5]) < 1e-5)
    let likeliest = sampler.likeliest(3, of: Self.logits.span)
    #expect(likeliest.map(\.id) == [1, 4, 6])
    for token in likeliest { #expect(abs(token.logprob - expected[Int(token.id)]) < 1e-5) }
    #expect(sampler.likeliest(0, of: Self.logits.span).isEmpty)
    let ties: [Float] = [1, 2, 2, .nan, 2]
    #expect(sampler.likeliest(2, of: ties.span).map(\.id) == [1, 2])
    #expect(sampler.likeliest(9, of: ties.span).map(\.id) == [1, 2, 4, 0, 3])
  }
}
