import GRPCCore
import MeshProtos
import ServiceTesting
import SwiftProtobuf
import TestSupport
import Testing
import Tokenization
import TokenizerFiles

@Suite("A sequence with parameters of its own", .serialized)
struct StructuredOutputTests {
  private static func start(
    _ sequence: UInt64,
    _ tokenIDs: [UInt32] = Capital.prompt,
    generated: Int = 0,
    _ change: (inout Weft_Types_V1_SamplingParameters) -> Void
  ) -> Weft_Worker_V1_SequenceStart {
    .with {
      $0.sequence = sequence
      $0.tokenIds = tokenIDs
      $0.generatedTokenCount = UInt32(generated)
      change(&$0.sampling)
    }
  }

  /// Runs one sequence for some steps.
  private static func run(
    _ start: Weft_Worker_V1_SequenceStart,
    steps: Int
  ) async throws -> [StepResult] {
    let count = start.tokenIds.count
    var plans = [
      Plan.first {
        $0.starts = [start]
        $0.slices = [.of(start.sequence, 0, count, blocks: [0, 1, 2, 3])]
      }
    ]
    for step in 1..<steps {
      plans.append(
        .with {
          $0.epoch = 1
          $0.step = UInt64(step + 1)
          $0.slices = [.of(start.sequence, count + step - 1, 1)]
        }
      )
    }
    return try await TestWorker.with { [plans] in try await $0.execute(plans) }
  }

  private static func tokens(_ results: [StepResult]) -> [UInt32] {
    results.flatMap(\.sampled).map(\.tokenID)
  }

  @Test("follows its expression, also when it begins again after some tokens")
  func structured() async throws {
    func constrain(_ sampling: inout Weft_Types_V1_SamplingParameters) {
      sampling.structuredOutput.regex = #" [A-Z]{3}-\d{4}( and (tea|coffee))+"#
    }
    let tokenizer = try Tokenizer(TokenizerDescription(modelPath: DefaultModel.path))
    let whole = Self.tokens(try await Self.run(Self.start(1, Capital.prompt, constrain), steps: 24))
    let text = try tokenizer.decode(whole, skipsSpecialTokens: true)
    #expect(text.wholeMatch(of: #/ [A-Z]{3}-\d{4}( and (tea|coffee))*( .*)?/#) != nil, "\(text)")
    #expect(text.count > 12)
    let resumed = try await Self.run(
      Self.start(1, Capital.prompt + whole.prefix(9), generated: 9, constrain),
      steps: 15
    )
    #expect(Self.tokens(resumed) == Array(whole.dropFirst(9)))
  }

  @Test("ends where its grammar does, and says nothing else from then on")
  func ends() async throws {
    let tokenizer = try Tokenizer(TokenizerDescription(modelPath: DefaultModel.path))
    let results = try await Self.run(
      Self.start(1) { $0.structuredOutput.jsonSchema = #"{"enum": ["Rome"]}"# },
      steps: 8
    )
    let ids = Self.tokens(results)
    #expect(try tokenizer.decode(ids, skipsSpecialTokens: true) == "\"Rome\"")
    let end = try #require(ids.firstIndex(where: tokenizer.endOfGenerationTokenIDs.contains))
    #expect(ids[end...].allSatisfy(tokenizer.endOfGenerationTokenIDs.contains))
  }

  @Test("whose grammar is wrong, or cannot be followed, fails alone")
  func failures() async throws {
    let results = try await TestWorker.with { worker in
      try await worker.execute([
        .first {
          $0.starts += [
            Self.start(2) { $0.structuredOutput.regex = "(" },
            Self.start(3) { $0.structuredOutput.jsonSchema = #"{"not": {}}"# },
            Self.start(4) { $0.structuredOutput = .init() },
            // What it has said is none of the grammar's texts.
            Self.start(5, generated: 2) { $0.structuredOutput.regex = "[0-9]+" },
            Self.start(6, generated: Capital.prompt.count) { $0.temperature = 1 },
          ]
          $0.slices += (2...6).map { .of($0, 0, Capital.prompt.count, blocks: [UInt32($0)]) }
        },
        .second(),
      ])
    }
    #expect(Self.tokens(results) == Capital.continuation)
    let failures = results[0].failures
    let messages = Dictionary(uniqueKeysWithValues: failures.map { ($0.sequence, $0.message) })
    #expect(messages.keys.sorted() == [2, 3, 4, 5, 6])
    #expect(messages[2]?.contains("structured_output.regex at character 0") == true)
    #expect(messages[3]?.contains("structured_output.json_schema #/not") == true)
    #expect(messages[4]?.contains("sampling.structured_output") == true)
    #expect(messages[6]?.contains("starts.generated_token_count") == true)
  }

  @Test("tells how likely its tokens were, if it was asked")
  func logprobs() async throws {
    let results = try await Self.run(
      Self.start(1) {
        $0.logprobs = 3
        $0.logitBias = [
          .with {
            $0.tokenID = Capital.continuation[0]
            $0.bias = -100
          }
        ]
      },
      steps: 1
    )
    let token = results[0].sampled[0]
    #expect(token.logprobs.token.tokenID == token.tokenID)
    #expect(token.tokenID != Capital.continuation[0])
    #expect(token.logprobs.top.count == 3)
    #expect(token.logprobs.top[0].tokenID == Capital.continuation[0])
    #expect(token.logprobs.top[0].logprob > token.logprobs.token.logprob)
    let plain = try await Self.run(Self.start(1) { _ in }, steps: 1)
    #expect(!plain[0].sampled[0].hasLogprobs)
  }

  @Test("does not end before the fewest tokens")
  func minTokens() async throws {
    let (first, second) = (Capital.continuation[0], Capital.continuation[1])
    func start(_ minimum: UInt32) -> Weft_Worker_V1_SequenceStart {
      var start = Self.start(1) { $0.minTokens = minimum }
      start.stopTokenIds = [second]
      return start
    }
    #expect(Self.tokens(try await Self.run(start(1), steps: 2)) == [first, second])
    let later = Self.tokens(try await Self.run(start(2), steps: 2))
    #expect(later[0] == first)
    #expect(later[1] != second)
  }
}
