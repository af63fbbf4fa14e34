import GRPCCore
import GRPCCoreTransport
import MeshProtos
import MeshRuntime
import ServiceTesting
import SwiftProtobuf
import Testing

@Suite("Health")
struct HealthServiceTests {
  private let health = HealthService(services: ["weft.test.v1.TestService"])

  private func withHealth<Result: Sendable>(
    _ body: (Grpc_Health_V1_Health.Client<CoreClientTransport>) async throws -> Result
  ) async throws -> Result {
    try await withServer([health]) { client, _ in
      try await body(Grpc_Health_V1_Health.Client(wrapping: client))
    }
  }

  private static func request(_ service: String) -> Grpc_Health_V1_HealthCheckRequest {
    .with { $0.service = service }
  }

  @Test(
    "Check tells the state of the server and of its services",
    arguments: [
      "", "weft.test.v1.TestService",
    ]
  )
  func check(_ service: String) async throws {
    try await withHealth { client in
      let starting = try await client.check(Self.request(service))
      #expect(starting.status == .notServing)
      health.markServing()
      let started = try await client.check(Self.request(service))
      #expect(started.status == .serving)
      health.markNotServing()
      let draining = try await client.check(Self.request(service))
      #expect(draining.status == .notServing)
    }
  }

  @Test("Check does not know what is not served here")
  func checkUnknown() async throws {
    try await withHealth { client in
      let error = try await rpcError { try await client.check(Self.request("weft.other")) }
      #expect(error.code == .notFound)
      #expect(error.message.contains("weft.other"))
    }
  }

  @Test("Watch tells the state at once, then every change, then ends with the server")
  func watch() async throws {
    try await withHealth { client in
      let seen = try await client.watch(Self.request(""), options: .bounded) { response in
        var seen: [Grpc_Health_V1_HealthCheckResponse.ServingStatus] = []
        for try await message in response.messages {
          seen.append(message.status)
          switch seen.count {
          case 1, 3: health.markServing()
          case 2: health.markNotServing()
          default: health.finishWatches()
          }
        }
        return seen
      }
      #expect(seen == [.notServing, .serving, .notServing, .serving])
      #expect(health.watcherCount == 0)
    }
  }

  @Test("Watch of what is not served here says so, and ends with the server all the same")
  func watchUnknown() async throws {
    try await withHealth { client in
      let seen = try await client.watch(Self.request("weft.other"), options: .bounded) { response in
        var seen: [Grpc_Health_V1_HealthCheckResponse.ServingStatus] = []
        for try await message in response.messages {
          seen.append(message.status)
          health.markServing()
          health.finishWatches()
        }
        return seen
      }
      #expect(seen == [.serviceUnknown])
    }
  }

  @Test("a watch that begins after the server began to go ends at once")
  func watchTooLate() async throws {
    health.finishWatches()
    try await withHealth { client in
      let count = try await client.watch(Self.request(""), options: .bounded) { response in
        try await response.messages.reduce(0) { count, _ in count + 1 }
      }
      #expect(count == 0)
    }
  }

  @Test("a hundred watchers that go away leave nothing behind")
  func manyWatchers() async throws {
    try await withHealth { client in
      try await withThrowingTaskGroup(of: Void.self) { group in
        for index in 0..<100 {
          let service = index % 3 == 0 ? "weft.other" : ""
          group.addTask {
            try await client.watch(Self.request(service)) { response in
              for try await _ in response.messages {}
            }
          }
        }
        try await eventually { health.watcherCount == 100 }
        health.markServing()
        group.cancelAll()
        while await group.nextResult() != nil {}
      }
      try await eventually { health.watcherCount == 0 }
    }
  }
}
