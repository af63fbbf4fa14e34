import GRPCCore
import GRPCCoreTransport
import MeshProtos
import MeshTypes
import ServiceTesting
import SwiftProtobuf
import Testing

@Suite("A gateway with several schedulers")
struct CellTests {
  private typealias Act = FakeScheduler.Act

  private func request(
    _ promptTokens: Int = 2,
    maxTokens: Int32
  ) -> Weft_Gateway_V1_GenerateRequest {
    .with {
      $0.tokenIds = .with { $0.ids = (0..<promptTokens).map { 10 + UInt32($0) } }
      $0.options = .with { $0.maxTokens = maxTokens }
    }
  }

  /// One that is chosen first while it lives, and one that is not.
  private func pair(_ first: [Act], _ second: [Act]) -> [FakeScheduler] {
    [FakeScheduler(first, workers: [9000]), FakeScheduler(second, workers: [1000])]
  }

  @Test("continues a stream on another one with the same tokens when one dies in the middle")
  func failover() async throws {
    let schedulers = pair([Act(tokenIDs: [1, 2])], [Act(tokenIDs: [3, 4, 5], reason: .length)])
    let streamed = try await withGateway(to: schedulers) { client in
      try await client.stream(request(maxTokens: 5))
    }
    #expect(streamed.tokenIDs == [1, 2, 3, 4, 5])
    #expect(streamed.text == "1 2 3 4 5 ")
    #expect(streamed.finish.reason == .length)
    #expect(schedulers[0].requests.map(\.promptTokenIds) == [[10, 11]])
    #expect(schedulers[1].requests.map(\.promptTokenIds) == [[10, 11, 1, 2]])
    #expect(schedulers[1].requests.map(\.generatedTokenCount) == [2])
    #expect(schedulers[1].requests.map(\.maxTokens) == [3])
    #expect(
      schedulers[1].requests.map(\.sampling.seed) == schedulers[0].requests.map(\.sampling.seed)
    )
  }

  @Test("asks another one when one is full, once")
  func full() async throws {
    let schedulers = pair(
      [Act(error: MeshError(.resourceExhausted, "full"))],
      [Act(tokenIDs: [3], reason: .length)]
    )
    let streamed = try await withGateway(to: schedulers) { client in
      try await client.stream(request(maxTokens: 1))
    }
    #expect(streamed.tokenIDs == [3])
    #expect(schedulers.map(\.requests.count) == [1, 1])

    let full = Act(error: MeshError(.resourceExhausted, "full"))
    let both = pair([full, full], [full, full])
    let error = try await rpcError {
      try await withGateway(to: both) { try await $0.stream(request(maxTokens: 1)) }
    }
    #expect(error.code == .resourceExhausted)
    #expect(both.map(\.requests.count) == [1, 1])
  }

  @Test("says that none is available after some tries, if none is")
  func allDown() async throws {
    let nowhere = (0..<2).map { _ in TransportAddress.unix(path: uniqueSocketPath()) }
    let error = try await rpcError {
      try await withGateway(to: [], at: nowhere) { client in
        try await client.stream(request(maxTokens: 1))
      }
    }
    #expect(error.code == .unavailable)
  }

  @Test("gives nothing to one without workers, or that is not there")
  func withoutWorkers() async throws {
    let idle = FakeScheduler([])
    let busy = FakeScheduler([], encore: Act(tokenIDs: [1], reason: .length), workers: [1000])
    let nowhere = TransportAddress.unix(path: uniqueSocketPath())
    try await withGateway(to: [idle, busy], at: [nowhere]) { client in
      for _ in 0..<10 {
        let streamed = try await client.stream(request(maxTokens: 1))
        #expect(streamed.tokenIDs == [1])
      }
    }
    #expect(idle.requests.isEmpty)
    #expect(busy.requests.count == 10)
  }

  @Test("sends prompts that begin alike to the same one")
  func affinity() async throws {
    let encore = Act(tokenIDs: [1], reason: .length)
    let schedulers = (0..<2).map { _ in FakeScheduler([], encore: encore, workers: [1000]) }
    try await withGateway(to: schedulers) { client in
      for length in 200..<220 { _ = try await client.stream(request(length, maxTokens: 1)) }
    }
    #expect(schedulers.map(\.requests.count).sorted() == [0, 20])
  }

  @Test("gives work again to one that has come back")
  func recovery() async throws {
    let answer = Act(tokenIDs: [1], reason: .length)
    let schedulers = [
      FakeScheduler([Act()], encore: answer, workers: [9000]),
      FakeScheduler([], encore: answer, workers: [1000]),
    ]
    try await withGateway(to: schedulers) { client in
      try await eventually {
        let streamed = try await client.stream(request(maxTokens: 1))
        #expect(streamed.tokenIDs == [1])
        return schedulers[0].requests.count > 1
      }
    }
    #expect(!schedulers[1].requests.isEmpty)
  }

  @Test("lists the models of all, with all workers")
  func models() async throws {
    let schedulers = [FakeScheduler([], workers: [1, 1]), FakeScheduler([], workers: [1])]
    let nowhere = TransportAddress.unix(path: uniqueSocketPath())
    let models = try await withGateway(to: schedulers, at: [nowhere]) { client in
      try await client.gateway.listModels(.init(), options: .bounded).models
    }
    #expect(models.map(\.name) == ["fake"])
    #expect(models.map(\.workerCount) == [3])
  }
}
