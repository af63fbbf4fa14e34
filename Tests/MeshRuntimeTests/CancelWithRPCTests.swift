import GRPCCore
import GRPCCoreTransport
import MeshProtos
import MeshRuntime
import ServiceTesting
import SwiftProtobuf
import Synchronization
import Testing

@Suite("Work on behalf of an RPC")
struct CancelWithRPCTests {
  private enum Event: Equatable { case started, cancelled }

  /// What happened in the service, in order.
  private final class EventLog: Sendable {
    private let list = Mutex<[Event]>([])

    var events: [Event] { list.withLock { $0 } }

    func append(_ event: Event) { list.withLock { $0.append(event) } }
  }

  /// Works until its task is cancelled, or just answers if the request names a service.
  private struct Working: Grpc_Health_V1_Health.SimpleServiceProtocol {
    let log: EventLog

    func check(
      request: Grpc_Health_V1_HealthCheckRequest,
      context: ServerContext
    ) async throws -> Grpc_Health_V1_HealthCheckResponse {
      let log = log
      return try await withTaskCancelledByRPC(context) {
        guard request.service.isEmpty else { return .with { $0.status = .serving } }
        log.append(.started)
        do {
          while true { try await Task.sleep(for: .seconds(3600)) }
        } catch {
          log.append(.cancelled)
          throw error
        }
      }
    }

    func watch(
      request: Grpc_Health_V1_HealthCheckRequest,
      response: RPCWriter<Grpc_Health_V1_HealthCheckResponse>,
      context: ServerContext
    ) async throws {}
  }

  @Test("ends when the client takes the call back")
  func cancelled() async throws {
    let log = EventLog()
    try await withServer([Working(log: log)]) { client, _ in
      let health = Grpc_Health_V1_Health.Client(wrapping: client)
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { _ = try await health.check(.init()) }
        try await eventually { log.events == [.started] }
        group.cancelAll()
      }
      try await eventually { log.events == [.started, .cancelled] }
    }
  }

  @Test("ends at the call's deadline")
  func deadline() async throws {
    let log = EventLog()
    try await withServer([Working(log: log)]) { client, _ in
      let health = Grpc_Health_V1_Health.Client(wrapping: client)
      // On a busy machine a deadline may pass before the work has begun: then a later one is tried.
      var timeout = Duration.milliseconds(250)
      repeat {
        var options = CallOptions.defaults
        options.timeout = timeout
        let error = try await rpcError { try await health.check(.init(), options: options) }
        #expect(error.code == .deadlineExceeded)
        timeout *= 2
      } while log.events.isEmpty && timeout < .seconds(60)
      try await eventually { log.events.suffix(2) == [.started, .cancelled] }
    }
  }

  @Test("gives its result if nobody cancels")
  func result() async throws {
    try await withServer([Working(log: EventLog())]) { client, _ in
      let health = Grpc_Health_V1_Health.Client(wrapping: client)
      let response = try await health.check(.with { $0.service = "a" }, options: .bounded)
      #expect(response.status == .serving)
    }
  }
}
