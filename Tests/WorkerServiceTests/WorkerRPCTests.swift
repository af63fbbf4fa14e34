import GRPCCore
import MeshProtos
import ServiceTesting
import SwiftProtobuf
import Synchronization
import Testing

@Suite("A model worker's plans", .serialized)
struct WorkerRPCTests {
  @Test("are answered one by one with the tokens sampled")
  func execute() async throws {
    let results = try await TestWorker.with { try await $0.execute([.first(), .second()]) }
    #expect(results.map(\.epoch) == [1, 1])
    #expect(results.map(\.step) == [1, 2])
    #expect(results.map(\.sampled).map { $0.map(\.sequence) } == [[1], [1]])
    #expect(results.flatMap(\.sampled).map(\.tokenID) == Capital.continuation)
    #expect(results.allSatisfy { $0.failures.isEmpty })
    #expect(results.allSatisfy { $0.computeMicroseconds > 0 })
  }

  @Test("may cut a prompt into chunks, and be empty")
  func chunks() async throws {
    let results = try await TestWorker.with { worker in
      try await worker.execute([
        .first { $0.slices = [.of(1, 0, 2, blocks: [9], samples: false)] },
        .with {
          $0.epoch = 1
          $0.step = 2
        },
        .second { $0.slices = [.of(1, 2, Capital.prompt.count - 2)] },
      ])
    }
    #expect(results.map { $0.sampled.map(\.tokenID) } == [[], [], [Capital.continuation[0]]])
  }

  @Test("whose slice is wrong fail that sequence alone")
  func badSlices() async throws {
    // 10 and above are wrong, each in its way.
    let results = try await TestWorker.with { worker in
      try await worker.execute([
        .first {
          $0.starts += (11...18).map { .of($0, Capital.prompt) }
          $0.starts += [
            .of(20, []), .of(21, [49152]), .of(22, [UInt32](repeating: 1, count: 8193)),
          ]
          $0.starts.append(
            .with {
              $0.sequence = 23
              $0.tokenIds = [1]
              $0.sampling.temperature = .nan
            }
          )
          $0.slices += [
            .of(10, 0, 1, blocks: [1]),
            .of(11, 0, 5, blocks: [UInt32(TestWorker.blockCount)]),
            .of(12, 0, 5, blocks: [.max]),
            .of(13, 0, 5),
            .of(14, 0, 0, blocks: [1]),
            .of(15, Int(UInt32.max), Int(UInt32.max), blocks: [1]),
            .of(16, 0, Int(UInt32.max), blocks: [1]),
            .of(17, Int(UInt32.max), 1, blocks: [1]),
            .of(18, 0, 4, blocks: [1]),
            .of(20, 0, 1, blocks: [1]),
          ]
        },
        .second(),
      ])
    }
    #expect(results.map { $0.sampled.map(\.sequence) } == [[1], [1]])
    #expect(results.flatMap(\.sampled).map(\.tokenID) == Capital.continuation)
    let failed = results[0].failures.map(\.sequence).sorted()
    #expect(failed == [10, 11, 12, 13, 14, 15, 16, 17, 18, 20, 21, 22, 23])
    #expect(results[1].failures.isEmpty)
    let messages = Dictionary(
      uniqueKeysWithValues: results[0].failures.map { ($0.sequence, $0.message) }
    )
    let named: [UInt64: String] = [
      10: "slices.sequence", 11: "block_table", 12: "block_table", 13: "block_table",
      14: "slices.token_count", 15: "slices.token_count", 16: "slices.token_count",
      17: "slices.token_count", 18: "slices.samples", 20: "starts.token_ids",
      21: "starts.token_ids", 22: "starts.token_ids", 23: "sampling.temperature",
    ]
    for (sequence, field) in named {
      #expect(messages[sequence]?.contains(field) == true, "\(messages[sequence] ?? "")")
    }
  }

  @Test("that compute a sequence twice in a step fail it, and no other")
  func repeatedSequence() async throws {
    let results = try await TestWorker.with { worker in
      try await worker.execute([
        .first {
          $0.starts.append(.of(2, Capital.prompt))
          $0.slices += [.of(2, 0, 5, blocks: [1]), .of(2, 0, 5, blocks: [2])]
        },
        .second(),
      ])
    }
    #expect(results.map { $0.sampled.map(\.sequence) } == [[1], [1]])
    #expect(results.flatMap(\.sampled).map(\.tokenID) == Capital.continuation)
    #expect(results[0].failures.map(\.sequence) == [2])
  }

  @Test("that start a sequence twice fail it; released, it may start again")
  func doubleStart() async throws {
    let results = try await TestWorker.with { worker in
      try await worker.execute([
        .first(),
        .second { $0.starts = [.of(1, Capital.prompt)] },
        .second { $0.step = 3 },
        .first { $0.step = 4 },
        .first {
          $0.step = 5
          $0.releasedSequences = [1, 99]
        },
      ])
    }
    #expect(results.map { $0.failures.map(\.sequence) } == [[], [1], [1], [], []])
    #expect(results[1].failures[0].message.contains("starts.sequence"))
    #expect(results[2].failures[0].message.contains("slices.sequence"))
    #expect(results[3].sampled.map(\.tokenID) == [Capital.continuation[0]])
    #expect(results[4].sampled.map(\.tokenID) == [Capital.continuation[0]])
  }

  @Test("beyond the worker's limits end the call")
  func limits() async throws {
    let errors = try await TestWorker.with { worker in
      [
        try await rpcError {
          try await worker.execute([
            .first { $0.slices = Array(repeating: .of(1, 0, 1, blocks: [0]), count: 17) }
          ])
        },
        try await rpcError {
          try await worker.execute([
            .first {
              $0.starts = (1...2).map { .of($0, [UInt32](repeating: 1, count: 40)) }
              $0.slices = (1...2).map { .of($0, 0, 40, blocks: [0, 1, 2]) }
            }
          ])
        },
        try await rpcError {
          try await worker.execute([.first(), .second(epoch: 2)])
        },
      ]
    }
    #expect(errors.map(\.code) == [.invalidArgument, .invalidArgument, .invalidArgument])
    #expect(errors[0].violatedFields == ["slices"])
    #expect(errors[1].violatedFields == ["slices"])
    #expect(errors[2].violatedFields == ["epoch"])
  }

  @Test("of a former call are fenced off by a later one", arguments: [UInt64(2), 1])
  func fencing(_ laterEpoch: UInt64) async throws {
    let (error, later) = try await TestWorker.with { worker in
      let answered = Atomic<Bool>(false)
      let laterResults = Mutex<[StepResult]>([])
      let error = try await rpcError {
        try await worker.client.execute(options: .bounded) { writer in
          try await writer.write(.first())
          try await eventually { answered.load(ordering: .acquiring) }
          let results = try await worker.execute([
            .first(epoch: laterEpoch), .second(epoch: laterEpoch),
          ])
          laterResults.withLock { $0 = results }
          try await writer.write(.second())
        } onResponse: { response in
          for try await _ in response.messages { answered.store(true, ordering: .releasing) }
        }
      }
      return (error, laterResults.withLock { $0 })
    }
    #expect(error.code == .failedPrecondition)
    #expect(later.flatMap(\.sampled).map(\.tokenID) == Capital.continuation)
  }

  /// Plans that take a while each: a prompt's first 64 tokens, again and again.
  private static func slow(_ steps: ClosedRange<UInt64>) -> [Plan] {
    steps.map { step in
      .with {
        $0.epoch = 1
        $0.step = step
        if step == 1 { $0.starts = [.of(1, [UInt32](repeating: 1, count: 65))] }
        $0.slices = [.of(1, 0, 64, blocks: step == 1 ? [0, 1, 2, 3] : [], samples: false)]
      }
    }
  }

  @Test("that wait do not keep a later call waiting")
  func takingOver() async throws {
    let (error, later) = try await TestWorker.with { worker in
      let answered = Atomic<Bool>(false)
      async let error = rpcError {
        try await worker.client.execute(options: .bounded) { writer in
          for plan in Self.slow(1...50) { try await writer.write(plan) }
        } onResponse: { response in
          for try await _ in response.messages { answered.store(true, ordering: .releasing) }
        }
      }
      try await eventually { answered.load(ordering: .acquiring) }
      let later = try await worker.execute([.first(epoch: 2), .second(epoch: 2)])
      return (try await error, later)
    }
    #expect(error.code == .failedPrecondition)
    #expect(later.flatMap(\.sampled).map(\.tokenID) == Capital.continuation)
  }

  @Test("that are too many to wait end the call")
  func tooMany() async throws {
    let error = try await TestWorker.with { worker in
      try await rpcError { try await worker.execute(Self.slow(1...1000)) }
    }
    #expect(error.code == .resourceExhausted)
    #expect(error.violatedFields == ["step"])
  }

  @Test("tell how long sequences waited for them, and not how long there were none")
  func idle() async throws {
    let idle = try await TestWorker.with { worker in
      try await worker.execution { execution in
        let first = try await execution.step { plan in plan = .first() }
        // Sent only once the first has been answered: sequence 1 waits meanwhile.
        let second = try await execution.step { plan in plan = .second() }
        try await execution.step { $0.releasedSequences = [1] }
        let fourth = try await execution.step { plan in plan = .first { $0.step = 4 } }
        return [first, second, fourth].map(\.idleMicroseconds)
      }
    }
    #expect(idle[0] == 0)
    #expect(idle[1] > 0)
    #expect(idle[2] == 0)
  }
}
