import FoundationEssentials
import GRPCCore
import MeshProtos
import ServiceTesting
import SwiftProtobuf
import Testing

@Suite("The scheduler's sequences")
struct SchedulerRPCTests {
  @Test("stream their tokens one by one, then say what was used")
  func generate() async throws {
    let outcome = try await TestScheduler.with { scheduler in
      try await scheduler.withWorker("one", FakeWorker()) { _ in
        try await scheduler.generate(
          .with {
            $0.model = "fake"
            $0.promptTokenIds = [1, 2, 3]
            $0.maxTokens = 20
          }
        )
      }
    }
    #expect(outcome.tokenIDs == FakeModel.continuation(of: [1, 2, 3], count: 20))
    #expect(outcome.messages == 21)
    #expect(outcome.finish?.reason == .length)
    #expect(outcome.finish?.usage.promptTokens == 3)
    #expect(outcome.finish?.usage.completionTokens == 20)
  }

  @Test("outlive a worker that says its steps took longer than time itself")
  func absurdTimes() async throws {
    let (outcome, status) = try await TestScheduler.with { scheduler in
      let worker = FakeWorker(microsecondsPerToken: .max / 8)
      return try await scheduler.withWorker("one", worker) { _ in
        let outcome = try await scheduler.generate(
          .with {
            $0.promptTokenIds = [1, 2, 3]
            $0.maxTokens = 20
          }
        )
        return (outcome, try await scheduler.status())
      }
    }
    #expect(outcome.tokenIDs == FakeModel.continuation(of: [1, 2, 3], count: 20))
    let day: UInt64 = 86_400_000_000
    #expect(status.workers.map(\.computeMicrosecondsTotal) == [20 * day])
  }

  @Test("copy what another one has of a block that neither has filled, which is counted")
  func copies() async throws {
    func request(_ maxTokens: Int32) -> Weft_Scheduler_V1_GenerateRequest {
      .with {
        $0.promptTokenIds = [1, 2, 3]
        $0.maxTokens = maxTokens
      }
    }
    let (outcome, status) = try await TestScheduler.with { scheduler in
      try await scheduler.withWorker("one", FakeWorker()) { _ in
        try await withThrowingTaskGroup(of: Void.self) { group in
          group.addTask { _ = try await scheduler.generate(request(90_000)) }
          try await scheduler.waitForStatus { $0.runningSequences == 1 }
          let outcome = try await scheduler.generate(request(4))
          let status = try await scheduler.status()
          group.cancelAll()
          while await group.nextResult() != nil {}
          return (outcome, status)
        }
      }
    }
    #expect(outcome.tokenIDs == FakeModel.continuation(of: [1, 2, 3], count: 4))
    #expect(status.copiedTailsTotal == 1)
    // The last token is always computed.
    #expect(status.copiedTokensTotal == 2)
  }

  @Test("go on to the context's end if no number of tokens was given")
  func maxTokensAbsent() async throws {
    let outcome = try await TestScheduler.with { scheduler in
      try await scheduler.withWorker("one", FakeWorker(), .fake(contextLength: 64)) { _ in
        try await scheduler.generate(.with { $0.promptTokenIds = [1, 2, 3, 4] })
      }
    }
    #expect(outcome.tokenIDs == FakeModel.continuation(of: [1, 2, 3, 4], count: 60))
    #expect(outcome.finish?.reason == .length)
  }

  @Test("end at a stop token, which they report")
  func stopToken() async throws {
    let expected = FakeModel.continuation(of: [5], count: 8)
    let outcome = try await TestScheduler.with { scheduler in
      try await scheduler.withWorker("one", FakeWorker()) { _ in
        try await scheduler.generate(
          .with {
            $0.promptTokenIds = [5]
            $0.maxTokens = 1000
            $0.stopTokenIds = [expected[7]]
          }
        )
      }
    }
    #expect(outcome.tokenIDs == Array(expected.prefix { $0 != expected[7] }) + [expected[7]])
    #expect(outcome.finish?.reason == .stop)
  }

  @Test("give all their blocks back when the client takes them back")
  func cancelled() async throws {
    try await TestScheduler.with { scheduler in
      try await scheduler.withWorker("one", FakeWorker()) { _ in
        let free = try await scheduler.status().workers[0].freeBlocks
        #expect(free == 10_000)
        try await withThrowingTaskGroup(of: Void.self) { group in
          for index in UInt32(0)..<4 {
            group.addTask {
              _ = try await scheduler.generate(
                .with {
                  $0.promptTokenIds = [index + 1]
                  $0.maxTokens = 90_000
                }
              )
            }
          }
          try await scheduler.waitForStatus {
            $0.runningSequences == 4 && $0.workers[0].freeBlocks < free
          }
          group.cancelAll()
          while await group.nextResult() != nil {}
        }
        try await scheduler.waitForStatus {
          $0.runningSequences == 0 && $0.workers[0].freeBlocks == free
        }
      }
    }
  }

  @Test("are refused by the name of the field at fault")
  func refused() async throws {
    typealias Request = Weft_Scheduler_V1_GenerateRequest
    let wrong: [(String, RPCError.Code, Request)] = [
      ("prompt_token_ids", .invalidArgument, .with { $0.maxTokens = 1 }),
      (
        "prompt_token_ids", .invalidArgument,
        .with {
          $0.promptTokenIds = [1000]
          $0.maxTokens = 1
        }
      ),
      (
        "max_tokens", .invalidArgument,
        .with {
          $0.promptTokenIds = [1]
          $0.maxTokens = 0
        }
      ),
      (
        "max_tokens", .outOfRange,
        .with {
          $0.promptTokenIds = [1]
          $0.maxTokens = .max
        }
      ),
      (
        "cache_salt", .invalidArgument,
        .with {
          $0.promptTokenIds = [1]
          $0.maxTokens = 1
          $0.cacheSalt = Data(count: 257)
        }
      ),
      (
        "sampling.temperature", .invalidArgument,
        .with {
          $0.promptTokenIds = [1]
          $0.sampling.temperature = .nan
        }
      ),
      (
        "model", .notFound,
        .with {
          $0.model = "other"
          $0.promptTokenIds = [1]
        }
      ),
    ]
    let errors = try await TestScheduler.with { scheduler in
      try await scheduler.withWorker("one", FakeWorker()) { _ in
        var errors: [RPCError] = []
        for (_, _, request) in wrong {
          errors.append(try await rpcError { try await scheduler.generate(request) })
        }
        return errors
      }
    }
    for ((field, code, request), error) in zip(wrong, errors) {
      #expect(error.code == code, "\(request): \(error)")
      #expect(error.message.contains(field), "\(request): \(error)")
      #expect(error.violatedFields.count == 1, "\(request): \(error)")
    }
  }

  @Test("are told that no worker has joined if their length depends on one")
  func noWorker() async throws {
    let error = try await TestScheduler.with { scheduler in
      try await rpcError { try await scheduler.generate(.with { $0.promptTokenIds = [1] }) }
    }
    #expect(error.code == .unavailable)
  }

  @Test("wait in a bounded queue")
  func queue() async throws {
    let error = try await TestScheduler.with(["max-waiting-sequences": "2"]) { scheduler in
      try await withThrowingTaskGroup(of: Void.self) { group in
        let request = Weft_Scheduler_V1_GenerateRequest.with {
          $0.promptTokenIds = [1]
          $0.maxTokens = 1
        }
        for _ in 0..<2 { group.addTask { _ = try await scheduler.generate(request) } }
        try await scheduler.waitForStatus { $0.waitingSequences == 2 }
        let error = try await rpcError { try await scheduler.generate(request) }
        group.cancelAll()
        while await group.nextResult() != nil {}
        try await scheduler.waitForStatus { $0.waitingSequences == 0 }
        return error
      }
    }
    #expect(error.code == .resourceExhausted)
  }
}
