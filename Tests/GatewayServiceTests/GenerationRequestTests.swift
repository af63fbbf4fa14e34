import FoundationEssentials
import GatewayService
import MeshProtos
import MeshTypes
import SwiftProtobuf
import Testing

@Suite("What a client asks for")
struct GenerationRequestTests {
  private typealias Options = Weft_Gateway_V1_GenerationOptions

  private static let model = Weft_Tokenizer_V1_DescribeModelResponse.with {
    $0.vocabularySize = 100
    $0.endTokenIds = [2, 3]
  }

  private static func request(
    _ tokenIDs: [TokenID] = [1],
    _ options: Options = Options()
  ) throws -> GenerationRequest {
    try GenerationRequest(
      promptTokenIDs: tokenIDs,
      promptField: "token_ids",
      options: options,
      model: model,
      seed: 42
    )
  }

  @Test("is greedy, until the model ends it, unless the options say otherwise")
  func defaults() throws {
    let request = try Self.request([1, 99])
    #expect(request.promptTokenIDs == [1, 99])
    #expect(request.maxTokens == nil)
    #expect(request.sampling == SamplingParameters(seed: 42))
    #expect(request.stopTokenIDs == [2, 3])
    #expect(request.stop.isEmpty)
    #expect(!request.includesSpecialTokens)
  }

  @Test("holds what the options say, at their bounds")
  func allowed() throws {
    let stops = (0..<16).map { String(repeating: "s", count: $0 == 0 ? 256 : $0) }
    let request = try Self.request(
      [0],
      .with {
        $0.maxTokens = 1
        $0.sampling = .with {
          $0.temperature = 100
          $0.seed = 7
        }
        $0.stop = stops
        $0.stopTokenIds = (0..<64).map { UInt32($0) }
        $0.ignoreEos = true
        $0.includeSpecialTokens = true
      }
    )
    #expect(request.maxTokens == 1)
    #expect(request.sampling == SamplingParameters(temperature: 100, seed: 7))
    #expect(request.stop == stops)
    #expect(request.stopTokenIDs == Set(0..<64))
    #expect(request.includesSpecialTokens)
  }

  @Test("is one output, or as many as the options say, each with a seed of its own")
  func outputs() throws {
    let one = try Self.request()
    #expect(one.outputCount == 1)
    #expect(!one.ranksOutputs)
    let most = try Self.request([1], .with { $0.n = 16 })
    #expect(most.candidateCount == 16)
    #expect(!most.ranksOutputs)
    #expect(most.output(0).sampling == most.sampling)
    #expect(Set((0..<16).map { most.output($0).sampling.seed }).count == 16)
    // SplitMix64's first two numbers of this seed, by its authors' program.
    #expect(SamplingParameters(seed: 1_234_567).ofOutput(1).seed == 6_457_827_717_110_365_317)
    #expect(SamplingParameters(seed: 1_234_567).ofOutput(2).seed == 3_203_168_211_198_807_973)

    let best = try Self.request(
      [1],
      .with {
        $0.n = 2
        $0.bestOf = 16
      }
    )
    #expect(best.outputCount == 2)
    #expect(best.candidateCount == 16)
    #expect(best.ranksOutputs)
    // What they are ranked by is asked for, and no more.
    #expect(best.sampling.logprobs == nil)
    #expect(best.output(0).sampling.logprobs == 0)
  }

  @Test("ends at the model's own tokens too, unless they are to be ignored")
  func endTokens() throws {
    let both = try Self.request([1], .with { $0.stopTokenIds = [9] })
    #expect(both.stopTokenIDs == [2, 3, 9])
    let ignoring = try Self.request([1], .with { $0.ignoreEos = true })
    #expect(ignoring.stopTokenIDs == [])
  }

  @Test("is refused by the name of the field at fault")
  func refused() throws {
    let wrong: [(String, [TokenID], Options)] = [
      ("token_ids", [], .init()),
      ("token_ids", [1, 100], .init()),
      ("token_ids", [.max], .init()),
      ("options.max_tokens", [1], .with { $0.maxTokens = 0 }),
      ("options.max_tokens", [1], .with { $0.maxTokens = .min }),
      ("options.n", [1], .with { $0.n = 0 }),
      ("options.n", [1], .with { $0.n = 17 }),
      ("options.best_of", [1], .with { $0.bestOf = 0 }),
      ("options.best_of", [1], .with { $0.bestOf = 17 }),
      (
        "options.best_of", [1],
        .with {
          $0.n = 4
          $0.bestOf = 3
        }
      ),
      ("sampling.temperature", [1], .with { $0.sampling.temperature = .nan }),
      ("sampling.top_k", [1], .with { $0.sampling.topK = -1 }),
      ("sampling.top_p", [1], .with { $0.sampling.topP = 0 }),
      ("sampling.min_p", [1], .with { $0.sampling.minP = 2 }),
      ("sampling.repetition_penalty", [1], .with { $0.sampling.repetitionPenalty = 0 }),
      ("sampling.presence_penalty", [1], .with { $0.sampling.presencePenalty = 2.5 }),
      ("sampling.frequency_penalty", [1], .with { $0.sampling.frequencyPenalty = .nan }),
      ("sampling.min_tokens", [1], .with { $0.sampling.minTokens = .max }),
      ("sampling.logprobs", [1], .with { $0.sampling.logprobs = 21 }),
      ("sampling.logit_bias", [1], .with { $0.sampling.logitBias = [.with { $0.bias = 101 }] }),
      ("sampling.logit_bias", [1], .with { $0.sampling.logitBias = [.with { $0.tokenID = 100 }] }),
      ("sampling.structured_output", [1], .with { $0.sampling.structuredOutput = .init() }),
      (
        "structured_output.regex", [1],
        .with {
          $0.sampling.structuredOutput.regex = String(repeating: "a", count: 1 << 19)
        }
      ),
      ("options.stop", [1], .with { $0.stop = [String](repeating: "s", count: 17) }),
      ("options.stop", [1], .with { $0.stop = ["a", ""] }),
      ("options.stop", [1], .with { $0.stop = [String(repeating: "é", count: 129)] }),
      ("options.cache_salt", [1], .with { $0.cacheSalt = Data(count: 257) }),
      ("options.stop_token_ids", [1], .with { $0.stopTokenIds = [100] }),
      (
        "options.stop_token_ids", [1], .with { $0.stopTokenIds = [UInt32](repeating: 1, count: 65) }
      ),
    ]
    for (field, tokenIDs, options) in wrong {
      let error = #expect(throws: MeshError.self) { try Self.request(tokenIDs, options) }
      #expect(error?.code == .invalidArgument)
      #expect(error?.field == field, "\(options)")
      #expect(error?.message.hasPrefix(field) == true)
    }
  }
}
