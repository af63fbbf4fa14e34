import FoundationEssentials
import GRPCCore
import GRPCProtobuf
import MeshProtos
import ServiceTesting
import SwiftProtobuf
import Testing

@Suite("The scheduler's deadlines and bounds")
struct DeadlineTests {
  private typealias Request = Weft_Scheduler_V1_GenerateRequest

  private func request(prompt: Int = 1, maxTokens: Int32, salt: UInt8? = nil) -> Request {
    .with {
      $0.promptTokenIds = (0..<prompt).map { 1 + UInt32($0 % 900) }
      $0.maxTokens = maxTokens
      if let salt { $0.cacheSalt = Data([salt]) }
    }
  }

  /// Runs a sequence whose client waits for ten minutes of its own clock.
  private func generate(
    _ request: Request,
    _ scheduler: TestScheduler
  ) async throws -> TestScheduler.Outcome {
    var options = CallOptions.defaults
    options.timeout = .seconds(600)
    return try await scheduler.generate(request, options: options)
  }

  @Test("a sequence that waits ends when its time is over, though nothing ever happens")
  func waiting() async throws {
    let clock = ManualClock()
    let error = try await TestScheduler.with(clock: clock.schedulerClock) { scheduler in
      async let error = rpcError { try await generate(request(maxTokens: 1), scheduler) }
      try await scheduler.waitForStatus { $0.waitingSequences == 1 }
      clock.advance(by: .seconds(500))
      #expect(try await scheduler.status().waitingSequences == 1)
      clock.advance(by: .seconds(100))
      let first = try await error
      try await scheduler.waitForStatus { $0.waitingSequences == 0 }
      return first
    }
    #expect(error.code == .deadlineExceeded)
  }

  @Test("a sequence that runs ends when its time is over, and frees its blocks")
  func running() async throws {
    let clock = ManualClock()
    let error = try await TestScheduler.with(clock: clock.schedulerClock) { scheduler in
      try await scheduler.withWorker("one", FakeWorker()) { _ in
        async let error = rpcError { try await generate(request(maxTokens: 90_000), scheduler) }
        try await scheduler.waitForStatus { $0.runningSequences == 1 }
        clock.advance(by: .seconds(601))
        let first = try await error
        try await scheduler.waitForStatus {
          $0.runningSequences == 0 && $0.workers[0].freeBlocks == 10_000
        }
        return first
      }
    }
    #expect(error.code == .deadlineExceeded)
  }

  @Test("a prompt that takes longer than there is time is refused at once")
  func impossible() async throws {
    let clock = ManualClock()
    let worker = FakeWorker(microsecondsPerToken: 10_000)
    let error = try await TestScheduler.with(clock: clock.schedulerClock) { scheduler in
      try await scheduler.withWorker("one", worker) { _ in
        // Until something is known of the worker's speed, everything may be possible.
        _ = try await generate(request(prompt: 2000, maxTokens: 1), scheduler)
        // Ten minutes are not enough for 90000 tokens of 10 ms each.
        return try await rpcError {
          try await generate(request(prompt: 90_000, maxTokens: 1), scheduler)
        }
      }
    }
    #expect(error.code == .deadlineExceeded)
    #expect(error.message.contains("the prompt alone takes at least"))
  }

  @Test("a tenant's part of the queue is bounded, and others still have theirs")
  func tenants() async throws {
    let flags = ["max-waiting-sequences-per-tenant": "2"]
    let error = try await TestScheduler.with(flags) { scheduler in
      try await withThrowingTaskGroup(of: Void.self) { group in
        for _ in 0..<2 {
          group.addTask { _ = try await generate(request(maxTokens: 1, salt: 1), scheduler) }
        }
        try await scheduler.waitForStatus { $0.waitingSequences == 2 }
        let error = try await rpcError {
          try await generate(request(maxTokens: 1, salt: 1), scheduler)
        }
        group.addTask { _ = try await generate(request(maxTokens: 1, salt: 2), scheduler) }
        try await scheduler.waitForStatus { $0.waitingSequences == 3 }
        group.cancelAll()
        while await group.nextResult() != nil {}
        return error
      }
    }
    #expect(error.code == .resourceExhausted)
    let details = try error.unpackGoogleRPCStatus()?.details ?? []
    #expect(details.contains { $0.retryInfo != nil })
  }
}
