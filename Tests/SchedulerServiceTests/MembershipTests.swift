import Foundation
import GRPCCore
import MeshProtos
import ServiceTesting
import SwiftProtobuf
import Testing

@Suite("The scheduler's workers")
struct MembershipTests {
  @Test("share the load")
  func sharing() async throws {
    let workers = [FakeWorker(), FakeWorker()]
    let wrong = try await TestScheduler.with { scheduler in
      try await scheduler.withWorker("one", workers[0]) { _ in
        try await scheduler.withWorker("two", workers[1]) { _ in
          try await scheduler.wrongSequences(among: 16, maxTokens: 100)
        }
      }
    }
    #expect(wrong == [])
    #expect(workers.allSatisfy { $0.steps > 0 })
  }

  @Test("that break leave their sequences to others, which go on with the same tokens")
  func lost() async throws {
    let workers = [FakeWorker(failingAtStep: 20), FakeWorker()]
    let wrong = try await TestScheduler.with { scheduler in
      try await scheduler.withWorker("one", workers[0]) { _ in
        try await scheduler.withWorker("two", workers[1]) { _ in
          let wrong = try await scheduler.wrongSequences(among: 16, maxTokens: 100)
          try await scheduler.waitForStatus { $0.workers.map(\.worker) == ["two"] }
          return wrong
        }
      }
    }
    #expect(wrong == [])
    #expect(workers[0].failures == 1)
    #expect(workers[1].steps > 0)
  }

  @Test("that half-close take their leave, and others go on with their sequences")
  func left() async throws {
    let workers = [FakeWorker(), FakeWorker()]
    let wrong = try await TestScheduler.with { scheduler in
      try await scheduler.withWorker("one", workers[0]) { leave in
        try await scheduler.withWorker("two", workers[1]) { _ in
          async let wrong = scheduler.wrongSequences(among: 8, maxTokens: 3000)
          try await scheduler.waitForStatus { status in
            status.workers.contains { $0.worker == "one" && $0.runningSequences > 0 }
          }
          leave()
          try await scheduler.waitForStatus { $0.workers.map(\.worker) == ["two"] }
          return try await wrong
        }
      }
    }
    #expect(wrong == [])
    #expect(workers[0].steps > 0)
    #expect(workers[1].steps > 0)
  }

  @Test("that cannot be reached are held against no sequence")
  func unreachable() async throws {
    let outcome = try await TestScheduler.with { scheduler in
      let generation = Task {
        try await scheduler.generate(
          .with {
            $0.promptTokenIds = [10, 11]
            $0.maxTokens = 20
          }
        )
      }
      try await scheduler.waitForStatus { $0.waitingSequences == 1 }
      for _ in 0..<3 {
        let error = try await scheduler.refusal(
          of: .with {
            $0.worker = "one"
            $0.address = "unix:/nowhere"
            $0.capabilities = .fake()
          },
          stays: true
        )
        #expect(error.code == .unavailable)
      }
      return try await scheduler.withWorker("two", FakeWorker()) { _ in try await generation.value }
    }
    #expect(outcome.tokenIDs == FakeModel.continuation(of: [10, 11], count: 20))
  }

  @Test("have to run the same model")
  func otherModel() async throws {
    let error = try await TestScheduler.with { scheduler in
      try await scheduler.withWorker("one", FakeWorker()) { _ in
        let error = try await scheduler.refusal(
          of: .with {
            $0.worker = "two"
            $0.address = "unix:/nowhere"
            $0.capabilities = .fake()
            $0.capabilities.model = "other"
          }
        )
        #expect(try await scheduler.status().workers.map(\.worker) == ["one"])
        return error
      }
    }
    #expect(error.code == .failedPrecondition)
    #expect(error.violatedFields == ["capabilities.model"])
  }

  @Test("have to offer what makes sense, field by field")
  func badOffer() async throws {
    typealias Offer = Weft_Scheduler_V1_JoinRequest
    let wrong: [(String, (inout Offer) -> Void)] = [
      ("worker", { $0.worker = "" }),
      ("worker", { $0.worker = String(repeating: "w", count: 201) }),
      ("address", { $0.address = "nowhere" }),
      ("address", { $0.address = "" }),
      ("model", { $0.capabilities.model = "" }),
      ("cache_root_key", { $0.capabilities.cacheRootKey = Data(count: 31) }),
      ("block_count", { $0.capabilities.blockCount = 0 }),
      ("block_count", { $0.capabilities.blockCount = .max }),
      ("block_size", { $0.capabilities.blockSize = 0 }),
      ("block_size", { $0.capabilities.blockSize = .max }),
      ("max_batch_tokens", { $0.capabilities.maxBatchTokens = 0 }),
      ("max_batch_sequences", { $0.capabilities.maxBatchSequences = 0 }),
      ("context_length", { $0.capabilities.contextLength = 0 }),
      ("vocabulary_size", { $0.capabilities.vocabularySize = 0 }),
      ("store_block_bytes", { $0.capabilities.storeBlockBytes = .max }),
      ("role", { $0.capabilities.role = .UNRECOGNIZED(9) }),
      ("prefill_tokens_per_second", { $0.capabilities.prefillTokensPerSecond = .nan }),
      ("prefill_tokens_per_second", { $0.capabilities.decodeTokensPerSecond = 100 }),
      (
        "decode_tokens_per_second",
        {
          $0.capabilities.prefillTokensPerSecond = 1000
          $0.capabilities.decodeTokensPerSecond = -1
        }
      ),
    ]
    try await TestScheduler.with { scheduler in
      for (field, spoil) in wrong {
        var offer = Offer.with {
          $0.worker = "one"
          $0.address = "unix:/nowhere"
          $0.capabilities = .fake()
        }
        spoil(&offer)
        let error = try await scheduler.refusal(of: offer)
        #expect(error.code == .invalidArgument, "\(offer): \(error)")
        #expect(error.message.contains(field), "\(offer): \(error)")
      }
      #expect(try await scheduler.status().workers.isEmpty)
    }
  }

  @Test("that offer nothing are refused")
  func noOffer() async throws {
    let error = try await TestScheduler.with { scheduler in
      try await rpcError {
        try await scheduler.client.join(options: .bounded) { _ in
        } onResponse: { response in
          for try await _ in response.messages {}
        }
      }
    }
    #expect(error.code == .invalidArgument)
  }

  @Test("replace their former membership when they join again")
  func again() async throws {
    let former = FakeWorker()
    let latter = FakeWorker()
    let wrong = try await TestScheduler.with { scheduler in
      try await scheduler.withWorker("one", former) { _ in
        try await scheduler.withWorker("one", latter) { _ in
          try await eventually { try await scheduler.status().workers.count == 1 }
          return try await scheduler.wrongSequences(among: 4, maxTokens: 500)
        }
      }
    }
    #expect(wrong == [])
    #expect(latter.steps > 0)
  }
}
