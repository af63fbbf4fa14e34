import MeshProtos
import ServiceTesting
import SwiftProtobuf
import Testing

@Suite("The scheduler's sequences with guessed tokens")
struct SpeculationTests {
  private func outcome(
    _ flags: [String: String] = [:],
    rightDrafts: Int
  ) async throws -> (TestScheduler.Outcome, Weft_Scheduler_V1_GetStatusResponse, steps: Int) {
    try await TestScheduler.with(flags) { scheduler in
      let worker = FakeWorker(rightDrafts: rightDrafts)
      return try await scheduler.withWorker("one", worker) { _ in
        let outcome = try await scheduler.generate(
          .with {
            $0.promptTokenIds = [1, 2, 3]
            $0.maxTokens = 60
          }
        )
        return (outcome, try await scheduler.status(), worker.steps)
      }
    }
  }

  @Test("get several tokens a step, each with how likely it was, and are counted")
  func severalTokens() async throws {
    let (outcome, status, steps) = try await outcome(rightDrafts: 3)
    #expect(outcome.tokenIDs == FakeModel.continuation(of: [1, 2, 3], count: 60))
    #expect(outcome.logprobIDs == outcome.tokenIDs)
    #expect(steps < 40)
    #expect(status.acceptedDraftTokensTotal > 20)
    #expect(status.acceptedDraftTokensTotal == status.draftedTokensTotal)
    #expect(outcome.finish?.usage.completionTokens == 60)
  }

  @Test("have none if the setting says so")
  func off() async throws {
    let (outcome, status, steps) = try await outcome(["speculative-tokens": "0"], rightDrafts: 3)
    #expect(outcome.tokenIDs == FakeModel.continuation(of: [1, 2, 3], count: 60))
    #expect(status.draftedTokensTotal == 0)
    #expect(steps >= 60)
  }
}
