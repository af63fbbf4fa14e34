import GRPCCore
import MeshProtos
import ServiceTesting
import SwiftProtobuf
import Testing

@Suite("A stream through the gateway")
struct GenerationStreamTests {
  private func request(maxTokens: Int32) -> Weft_Gateway_V1_GenerateRequest {
    .with {
      $0.tokenIds = .with { $0.ids = [10, 11] }
      $0.options = .with { $0.maxTokens = maxTokens }
    }
  }

  @Test("continues on another scheduler with what it has received, as if nothing had happened")
  func resubmission() async throws {
    let scheduler = FakeScheduler([
      .init(tokenIDs: [1, 2]), .init(), .init(tokenIDs: [3]),
      .init(tokenIDs: [4, 5], reason: .length),
    ])
    let streamed = try await stream(request(maxTokens: 5), from: scheduler)
    #expect(streamed.tokenIDs == [1, 2, 3, 4, 5])
    #expect(streamed.text == "1 2 3 4 5 ")
    #expect(streamed.finish.reason == .length)
    #expect(streamed.finish.usage.promptTokens == 2)
    #expect(streamed.finish.usage.completionTokens == 5)
    #expect(
      scheduler.requests.map(\.promptTokenIds) == [
        [10, 11], [10, 11, 1, 2], [10, 11, 1, 2], [10, 11, 1, 2, 3],
      ]
    )
    #expect(scheduler.requests.map(\.maxTokens) == [5, 3, 3, 2])
    #expect(Set(scheduler.requests.map(\.sampling.seed)).count == 1)
  }

  @Test("ends by itself when the scheduler is lost after the last token that was asked for")
  func lostAfterLastToken() async throws {
    let scheduler = FakeScheduler([.init(tokenIDs: [1, 2])])
    let streamed = try await stream(request(maxTokens: 2), from: scheduler)
    #expect(streamed.tokenIDs == [1, 2])
    #expect(streamed.finish.reason == .length)
    #expect(scheduler.requests.count == 1)
  }

  @Test("ends by itself when the scheduler is lost after a stop token")
  func lostAfterStopToken() async throws {
    let scheduler = FakeScheduler([.init(tokenIDs: [1, 0])])
    let streamed = try await stream(request(maxTokens: 9), from: scheduler)
    #expect(streamed.tokenIDs == [1, 0])
    #expect(streamed.finish.reason == .stop)
    #expect(scheduler.requests.count == 1)
  }
}
