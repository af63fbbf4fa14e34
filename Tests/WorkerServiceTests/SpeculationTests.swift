import MeshProtos
import ServiceTesting
import SwiftProtobuf
import TestSupport
import Testing

/// A text that says the same again and again, so that there is much to guess, right and wrong.
@Suite("Drafts from a sequence's own text", .serialized)
struct SpeculationTests {
  private typealias Sampling = Weft_Types_V1_SamplingParameters
  private typealias Token = Weft_Worker_V1_SampledToken

  private static let prompt: [UInt32] =
    (0..<3).flatMap { _ in Capital.prompt + Capital.continuation } + Capital.prompt

  private static let blocks: [UInt32] = Array(0..<8)

  /// What came of a sequence, in order.
  private struct Run {
    var tokens: [Token]
    var drafted: UInt32
    var slices: Int
  }

  /// Runs one sequence for some steps, all of whose plans are sent at once.
  private static func run(
    drafts: UInt32?,
    steps: Int,
    prompt: [UInt32] = prompt,
    _ change: (inout Weft_Worker_V1_SequenceStart) -> Void = { _ in }
  ) async throws -> Run {
    var plans = [
      Plan.first {
        $0.starts = [.of(1, prompt)]
        change(&$0.starts[0])
        $0.slices = [.of(1, 0, prompt.count, blocks: blocks)]
      }
    ]
    for step in 1..<steps {
      plans.append(
        .with {
          $0.epoch = 1
          $0.step = UInt64(step + 1)
          // At least: what came of the drafts before is not known yet.
          $0.slices = [.of(1, prompt.count + step - 1, 1)]
          if let drafts { $0.slices[0].draftLimit = drafts }
        }
      )
    }
    let results = try await TestWorker.with { [plans] in try await $0.execute(plans) }
    return Run(
      tokens: results.flatMap(\.sampled),
      drafted: results.reduce(0) { $0 + $1.draftedTokens },
      slices: results.count { !$0.sampled.isEmpty }
    )
  }

  private static let kinds: [(name: String, change: @Sendable (inout Sampling) -> Void)] = [
    ("greedy", { _ in }),
    (
      "sampled",
      {
        $0.temperature = 0.7
        $0.seed = 3
      }
    ),
    (
      "with penalties and logprobs",
      {
        $0.temperature = 0.3
        $0.seed = 5
        $0.repetitionPenalty = 1.05
        $0.frequencyPenalty = 0.3
        $0.logprobs = 3
      }
    ),
    (
      "with a grammar",
      { $0.structuredOutput.regex = #"( Paris\.| Rome\.|The capital of [A-Z][a-z]+ is)+"# }
    ),
    ("with logprobs", { $0.logprobs = 2 }),
  ]

  @Test("change none of its tokens nor how likely they are", arguments: kinds.indices)
  func sameTokens(kind: Int) async throws {
    let (name, change) = Self.kinds[kind]
    let plain = try await Self.run(drafts: nil, steps: 24) { change(&$0.sampling) }
    #expect(plain.drafted == 0)
    for drafts in [0, 1, 4, 15] as [UInt32] {
      let run = try await Self.run(drafts: drafts, steps: 24) { change(&$0.sampling) }
      let count = min(plain.tokens.count, run.tokens.count)
      #expect(count == plain.tokens.count, "\(name)")
      #expect(run.tokens.prefix(count).elementsEqual(plain.tokens), "\(name), \(drafts) drafts")
      #expect(run.tokens.count <= run.slices + Int(run.drafted))
      #expect(drafts > 0 || run.drafted == 0)
    }
  }

  @Test("save steps where the text repeats itself, and are wrong now and then")
  func steps() async throws {
    let run = try await Self.run(drafts: 4, steps: 12)
    let accepted = run.tokens.count - run.slices
    #expect(accepted > 12, "\(accepted) of \(run.drafted)")
    let wrong = try await Self.run(drafts: 4, steps: 24, Self.refuseFrance)
    #expect(Int(wrong.drafted) > wrong.tokens.count - wrong.slices)
  }

  /// What the text says each time may not be said again.
  private static func refuseFrance(_ start: inout Weft_Worker_V1_SequenceStart) {
    start.sampling.logitBias = [
      .with {
        $0.tokenID = Capital.prompt[3]
        $0.bias = -100
      }
    ]
  }

  @Test("leave nothing in memory that another token would be computed on")
  func garbage() async throws {
    // What follows wrong guesses is what a sequence has that begins with those tokens.
    let run = try await Self.run(drafts: 8, steps: 16, Self.refuseFrance)
    #expect(Int(run.drafted) > run.tokens.count - run.slices)
    let ids = run.tokens.map(\.tokenID)
    for known in [3, 8, 13] {
      let again = try await Self.run(
        drafts: nil,
        steps: 3,
        prompt: Self.prompt + ids.prefix(known),
        Self.refuseFrance
      )
      #expect(again.tokens.map(\.tokenID).elementsEqual(ids.dropFirst(known).prefix(3)))
    }
  }

  @Test("beyond what the plan leaves room for are left away, and those of a prompt are refused")
  func limits() async throws {
    let results = try await TestWorker.with { worker in
      try await worker.execute([
        .first {
          $0.starts = [.of(1, Self.prompt), .of(2, Self.prompt)]
          // No block but for the prompt and a token: there is nowhere to write drafts to.
          let needed = (Self.prompt.count + 15) / 16
          $0.slices = [
            .of(1, 0, Self.prompt.count, blocks: Array(0..<UInt32(needed))),
            .of(2, 0, 1, blocks: Array(8..<16), samples: false),
          ]
        },
        .with {
          $0.epoch = 1
          $0.step = 2
          $0.slices = [.of(1, Self.prompt.count, 1), .of(2, 1, 2, samples: false)]
          $0.slices[0].draftLimit = 1000
          $0.slices[1].draftLimit = 1
        },
        .with {
          $0.epoch = 1
          $0.step = 3
          $0.slices = [.of(1, 1000, 1)]
          $0.slices[0].draftLimit = 1
        },
      ])
    }
    let room = (Self.prompt.count + 15) / 16 * 16 - Self.prompt.count - 1
    #expect(Int(results[1].draftedTokens) <= room)
    #expect(results[1].failures.map(\.sequence) == [2])
    #expect(results[1].failures[0].message.contains("draft_limit"))
    #expect(results[2].failures[0].message.contains("start_position"))
  }
}
