import GRPCCore
import MeshProtos
import MeshTypes
import ServiceTesting
import SwiftProtobuf
import Testing

@Suite("Several outputs of a request")
struct GenerationOutputsTests {
  private static let seed: UInt64 = 7

  private func request(
    n: UInt32,
    bestOf: UInt32? = nil,
    maxTokens: Int32 = 3
  ) -> Weft_Gateway_V1_GenerateRequest {
    .with {
      $0.tokenIds = .with { $0.ids = [10, 11] }
      $0.options = .with {
        $0.maxTokens = maxTokens
        $0.sampling.temperature = 1
        $0.sampling.seed = Self.seed
        $0.n = n
        if let bestOf { $0.bestOf = bestOf }
      }
    }
  }

  /// A scheduler that plays an act for each output.
  private func scheduler(_ acts: [FakeScheduler.Act]) -> FakeScheduler {
    let sampling = SamplingParameters(seed: Self.seed)
    return FakeScheduler(
      bySeed: Dictionary(
        uniqueKeysWithValues: acts.enumerated().map { (sampling.ofOutput($0).seed, $1) }
      )
    )
  }

  @Test("come as parts under their index, each with an end of its own")
  func interleaved() async throws {
    let scheduler = scheduler([
      .init(tokenIDs: [1, 2, 3], reason: .length), .init(tokenIDs: [4, 0], reason: .stop),
      .init(tokenIDs: [5, 6, 7], reason: .length),
    ])
    let request = request(n: 3)
    let parts = try await withGateway(before: scheduler) { try await $0.parts(of: request) }
    let outputs = (0..<3).map { parts.output($0) }
    #expect(outputs.map(\.tokenIDs) == [[1, 2, 3], [4, 0], [5, 6, 7]])
    #expect(outputs.map(\.text) == ["1 2 3 ", "4 0 ", "5 6 7 "])
    #expect(outputs.map(\.finish.reason) == [.length, .stop, .length])
    #expect(outputs.map(\.finish.usage.promptTokens) == [2, 2, 2])
    #expect(outputs.map(\.finish.usage.completionTokens) == [3, 2, 3])
    #expect(parts.count { $0.hasFinish } == 3)
    for index in 0..<3 as Range<UInt32> {
      #expect(parts.last { $0.index == index }?.hasFinish == true)
    }
    #expect(scheduler.requests.count == 3)
    #expect(scheduler.requests.allSatisfy { $0.promptTokenIds == [10, 11] && $0.maxTokens == 3 })
  }

  @Test("do not wait for each other")
  func independent() async throws {
    let scheduler = scheduler([
      .init(tokenIDs: [1], hangs: true), .init(tokenIDs: [4, 5, 6], reason: .length),
    ])
    let request = request(n: 2)
    let seen = try await withGateway(before: scheduler) { client in
      try await client.generate(request, options: .bounded) { response in
        var parts: [Weft_Gateway_V1_GenerateResponse] = []
        for try await part in response.messages {
          parts.append(part)
          if parts.output(0).tokenIDs == [1], parts.output(1).finish.reason == .length { break }
        }
        return parts
      }
    }
    #expect(seen.output(1).tokenIDs == [4, 5, 6])
  }

  @Test("continue each by itself when a scheduler is lost")
  func resubmission() async throws {
    let scheduler = FakeScheduler([
      .init(), .init(), .init(tokenIDs: [1], reason: .stop), .init(tokenIDs: [1], reason: .stop),
    ])
    let request = request(n: 2)
    let parts = try await withGateway(before: scheduler) { try await $0.parts(of: request) }
    #expect((0..<2).map { parts.output($0).tokenIDs } == [[1], [1]])
    #expect(scheduler.requests.count == 4)
  }

  @Test("end all when one fails, with its error")
  func failure() async throws {
    let scheduler = scheduler([
      .init(tokenIDs: [1], hangs: true),
      .init(
        tokenIDs: [2],
        error: MeshError(.outOfRange, "max_tokens must be at most 1, got 3", field: "max_tokens"),
        awaitedCalls: 3
      ),
      .init(hangs: true),
    ])
    let request = request(n: 3)
    let error = try await withGateway(before: scheduler) { client in
      let error = try await rpcError { try await client.parts(of: request) }
      try await eventually { scheduler.cancelledCount == 2 }
      return error
    }
    #expect(error.code == .outOfRange)
    #expect(error.violatedFields == ["options.max_tokens"])
  }

  @Test("end all when the client goes")
  func cancellation() async throws {
    let scheduler = scheduler(Array(repeating: .init(tokenIDs: [1], hangs: true), count: 4))
    let request = request(n: 4)
    try await withGateway(before: scheduler) { client in
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { _ = try await client.parts(of: request) }
        try await eventually { scheduler.requests.count == 4 }
        group.cancelAll()
        try? await group.waitForAll()
      }
      try await eventually { scheduler.cancelledCount == 4 }
    }
  }

  // The logarithm of a token's probability is its number, negative.

  @Test("are the likeliest of more, by what a token has on average, the likeliest first")
  func best() async throws {
    let scheduler = scheduler([
      .init(tokenIDs: [9, 9, 9], tellsLogprobs: true, reason: .length),
      .init(tokenIDs: [4, 4, 4], tellsLogprobs: true, reason: .length),
      .init(tokenIDs: [5], tellsLogprobs: true, reason: .stop),
      .init(tokenIDs: [1, 2, 6], tellsLogprobs: true, reason: .length),
    ])
    let request = request(n: 3, bestOf: 4)
    let parts = try await withGateway(before: scheduler) { try await $0.parts(of: request) }
    #expect((0..<3).map { parts.output($0).tokenIDs } == [[1, 2, 6], [4, 4, 4], [5]])
    #expect(parts.output(2).finish.reason == .stop)
    // One after the other: while they are compared, nothing is sent.
    #expect(parts.map(\.index) == parts.map(\.index).sorted())
    // What they were ranked by is not shown to who has not asked.
    #expect(parts.allSatisfy { $0.logprobs.isEmpty })
    #expect(scheduler.requests.map(\.sampling.logprobs) == [0, 0, 0, 0])
    #expect(scheduler.requests.allSatisfy { $0.sampling.hasLogprobs })
  }

  @Test("come in the order of their numbers where they are equally likely")
  func ties() async throws {
    let scheduler = scheduler(
      [[8], [3, 5], [4], [4, 4]].map { .init(tokenIDs: $0, tellsLogprobs: true, reason: .stop) }
    )
    let request = request(n: 2, bestOf: 4)
    let parts = try await withGateway(before: scheduler) { try await $0.parts(of: request) }
    #expect((0..<2).map { parts.output($0).tokenIDs } == [[3, 5], [4]])
  }

  @Test("tell how likely their tokens were to who asks, ranked or not")
  func logprobs() async throws {
    let acts = [[8], [3]].map {
      FakeScheduler.Act(tokenIDs: $0, tellsLogprobs: true, reason: .stop)
    }
    for bestOf in [nil, 2] as [UInt32?] {
      var request = request(n: 2, bestOf: bestOf)
      request.options.sampling.logprobs = 5
      let scheduler = scheduler(acts)
      let parts = try await withGateway(before: scheduler) { [request] client in
        try await client.parts(of: request)
      }
      let told = (0..<2).map { parts.output($0).logprobs.map(\.token.logprob) }
      #expect(told == [[-8], [-3]])
      #expect(scheduler.requests.map(\.sampling.logprobs) == [5, 5])
    }
    var request = request(n: 1, bestOf: 2)
    request.options.sampling.logprobs = 5
    let parts = try await withGateway(before: scheduler(acts)) { [request] client in
      try await client.parts(of: request)
    }
    #expect(parts.output(0).logprobs.map(\.token.logprob) == [-3])
  }
}
