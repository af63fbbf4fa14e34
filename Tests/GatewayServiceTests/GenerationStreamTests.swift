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
    #expect(scheduler.requests.map(\.generatedTokenCount) == [0, 2, 2, 3])
    #expect(Set(scheduler.requests.map(\.sampling.seed)).count == 1)
  }

  @Test("tells how likely tokens were beside them")
  func logprobs() async throws {
    let scheduler = FakeScheduler([.init(tokenIDs: [7, 8], tellsLogprobs: true, reason: .length)])
    let streamed = try await stream(request(maxTokens: 2), from: scheduler)
    #expect(streamed.logprobs.map(\.token.tokenID) == [7, 8])
    #expect(streamed.logprobs.map(\.token.logprob) == [-7, -8])
  }

  @Test("is refused for a grammar that does not compile, by its field and place")
  func badGrammar() async throws {
    let scheduler = FakeScheduler([])
    let error = try await rpcError {
      var request = request(maxTokens: 2)
      request.options.sampling.structuredOutput.grammar = "root ::= missing"
      _ = try await stream(request, from: scheduler)
    }
    #expect(error.code == .invalidArgument)
    #expect(error.violatedFields == ["structured_output.grammar"])
    #expect(error.message.contains("at character 9"))
    #expect(scheduler.requests.isEmpty)
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

  @Test("ends with the tokenizer, which is no reason to submit the sequence again")
  func tokenizerLost() async throws {
    let scheduler = FakeScheduler([], encore: .init(tokenIDs: [1, 2], reason: .length))
    let error = try await rpcError {
      _ = try await stream(request(maxTokens: 2), from: scheduler, FakeTokenizer(breaks: true))
    }
    #expect(error.code == .unavailable)
    #expect(scheduler.requests.count == 1)
  }

  @Test("leaves the scheduler no more time than the client has")
  func deadline() async throws {
    let scheduler = FakeScheduler([], encore: .init(tokenIDs: [1], reason: .length))
    try await withGateway(to: [scheduler]) { client in
      _ = try await client.stream(request(maxTokens: 1), timeout: .seconds(300))
      _ = try await client.stream(request(maxTokens: 1), timeout: nil)
    }
    // The gateway's own limit is ten minutes; gRPC rounds up what it passes on.
    let times = scheduler.remainingTimes.compactMap(\.self)
    #expect(times.count == 2)
    #expect(times.first.map { $0 <= .seconds(301) } == true)
    #expect(times.last.map { $0 > .seconds(301) && $0 <= .seconds(601) } == true)
  }
}
