import GRPCCore
import MeshProtos
import MeshTypes
import ServiceTesting
import SwiftProtobuf
import Testing

/// Several outputs of one prompt on the real model.
@Suite("Copies of blocks", .serialized)
struct ForkTests {
  /// Three full blocks and two tokens.
  private let prompt = LongPrompt(5)
  private let tokenCount = 8

  private func sampling(_ output: Int) -> Weft_Types_V1_SamplingParameters {
    let seed = SamplingParameters(seed: 42).ofOutput(output).seed
    return .with {
      $0.temperature = 1
      $0.seed = seed
    }
  }

  private func start(_ output: Int) -> Weft_Worker_V1_SequenceStart {
    var start = Weft_Worker_V1_SequenceStart.of(UInt64(output + 1), prompt.tokenIDs)
    start.sampling = sampling(output)
    return start
  }

  /// What each output has when it is computed by itself.
  private func alone(_ worker: TestWorker) async throws -> [[UInt32]] {
    var outputs: [[UInt32]] = []
    for output in 0..<4 {
      let results = try await worker.execute(
        (0..<tokenCount).map { step in
          .with {
            $0.epoch = 1
            $0.step = UInt64(step + 1)
            if step == 0 {
              $0.starts = [start(output)]
              $0.slices = [.of(UInt64(output + 1), 0, 50, blocks: [10, 11, 12, 13])]
            } else {
              $0.slices = [.of(UInt64(output + 1), 49 + step, 1)]
            }
          }
        }
      )
      outputs.append(results.flatMap(\.sampled).map(\.tokenID))
    }
    return outputs
  }

  /// One computes the prompt; the others have its full blocks and a copy of the last one, and compute
  /// the last token. The first has gone on when the third and fourth begin.
  private func forked(_ worker: TestWorker) async throws -> [[UInt32]] {
    var outputs = [[UInt32]](repeating: [], count: 4)
    let begins = [0, 1, 3, 3]
    var plans: [Plan] = []
    for step in 0..<tokenCount + 3 {
      var plan = Plan.with {
        $0.epoch = 1
        $0.step = UInt64(step + 1)
      }
      for output in 0..<4 where (0..<tokenCount).contains(step - begins[output]) {
        let id = UInt64(output + 1)
        let own = UInt32(20 + output)
        if step > begins[output] {
          plan.slices.append(.of(id, 49 + step - begins[output], 1))
          continue
        }
        plan.starts.append(start(output))
        if output == 0 {
          plan.slices.append(.of(id, 0, 50, blocks: [0, 1, 2, own]))
        } else {
          // The fourth copies the copy that the third has just been given.
          plan.copies.append(.of(output == 3 ? 22 : 20, own, 1))
          plan.slices.append(.of(id, 49, 1, blocks: [0, 1, 2, own]))
        }
      }
      plans.append(plan)
    }
    let results = try await worker.execute(plans)
    for token in results.flatMap(\.sampled) {
      outputs[Int(token.sequence) - 1].append(token.tokenID)
    }
    return outputs
  }

  @Test("give the tokens that a prompt has alone, in f16 and in 8 bits", arguments: ["f16", "q8"])
  func sameTokens(type: String) async throws {
    let (singles, forks) = try await TestWorker.with(["kv-dtype": type]) { worker in
      (try await alone(worker), try await forked(worker))
    }
    #expect(singles.allSatisfy { $0.count == tokenCount })
    #expect(Set(singles).count == 4)
    #expect(forks == singles)
  }

  @Test("are made when stores have been taken, and before loads write")
  func order() async throws {
    let prompt = prompt
    let store = FakeStore()
    try await TestWorker.with(store) { worker in
      try await worker.execution { execution in
        let expected = try await execution.decode(prompt, in: 0..<4)
        // The first block is taken away and overwritten, and copied again after that.
        try await execution.step {
          $0.stores = [.of(1, prompt, in: 0..<3)]
          $0.copies = [.of(0, 7, 16), .of(3, 0, 16), .of(0, 8, 16)]
        }
        try await execution.store(1)
        // A load writes where a copy has.
        try await execution.step {
          $0.copies = [.of(8, 20, 16)]
          $0.loads = [.of(1, prompt, in: 20..<23)]
        }
        #expect(try await execution.load(1).loadedBlocks == 3)
        let loaded = try await execution.decode(prompt, as: 2, from: 48, in: 20..<24)
        #expect(loaded == expected)
        let result = try await execution.step {
          $0.starts = [.of(3, prompt.tokenIDs)]
          $0.slices = [.of(3, 48, 2, blocks: [7, 1, 2, 30])]
        }
        #expect(result.sampled.map(\.tokenID) == [expected[0]])
      }
    }
  }

  @Test("that are wrong end the call, and name the field")
  func wrong() async throws {
    let wrong: [(String, UInt32, UInt32, UInt32)] = [
      ("copies.source", UInt32(TestWorker.blockCount), 1, 1), ("copies.source", .max, 1, 1),
      ("copies.destination", 0, UInt32(TestWorker.blockCount), 1),
      ("copies.destination", 0, .max, 1), ("copies.destination", 1, 1, 1),
      ("copies.token_count", 0, 1, 0), ("copies.token_count", 0, 1, 17),
      ("copies.token_count", 0, 1, .max),
    ]
    try await TestWorker.with { worker in
      for (field, source, destination, count) in wrong {
        let error = try await rpcError {
          try await worker.execute([.first { $0.copies = [.of(source, destination, count)] }])
        }
        #expect(error.code == .invalidArgument)
        #expect(error.violatedFields == [field])
      }
      let many = try await rpcError {
        try await worker.execute([.first { $0.copies = Array(repeating: .of(0, 1, 1), count: 17) }])
      }
      #expect(many.violatedFields == ["copies"])
      // The worker has lost nothing.
      let results = try await worker.execute([.first(), .second()])
      #expect(results.flatMap(\.sampled).map(\.tokenID) == Capital.continuation)
    }
  }
}

extension Weft_Worker_V1_BlockCopy {
  static func of(_ source: UInt32, _ destination: UInt32, _ tokenCount: UInt32) -> Self {
    .with {
      $0.source = source
      $0.destination = destination
      $0.tokenCount = tokenCount
    }
  }
}
