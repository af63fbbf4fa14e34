package import GRPCCore
package import MeshProtos
import SwiftProtobuf
import Synchronization

/// `grpc.health.v1`: tells whether the server as a whole, or one of its services, is fit to serve.
///
/// A server starts as not serving; ``markServing()`` and ``markNotServing()`` move it. Watchers see
/// every change; ``finishWatches()`` ends their streams, since an open one would hold up a drain.
package final class HealthService: Grpc_Health_V1_Health.SimpleServiceProtocol {
  private typealias Status = Grpc_Health_V1_HealthCheckResponse.ServingStatus

  private struct State {
    var status = Status.notServing
    var watchers: [Int: AsyncStream<Status>.Continuation] = [:]
    var nextWatcher = 0
    var isFinished = false
  }

  private let state = Mutex(State())
  private let services: Set<String>

  /// Creates the service.
  ///
  /// - Parameter services: The fully qualified names that may be asked about besides "".
  package init(services: [String]) {
    self.services = Set(services).union([""])
  }

  /// The server is fit to serve.
  package func markServing() { set(.serving) }

  /// The server is starting, draining or broken.
  package func markNotServing() { set(.notServing) }

  /// Ends every watch, now and later: the server is going away.
  package func finishWatches() {
    let watchers = state.withLock { state in
      state.isFinished = true
      defer { state.watchers = [:] }
      return Array(state.watchers.values)
    }
    for watcher in watchers { watcher.finish() }
  }

  /// How many watches are open.
  package var watcherCount: Int { state.withLock { $0.watchers.count } }

  private func set(_ status: Status) {
    state.withLock { state in
      state.status = status
      for watcher in state.watchers.values { watcher.yield(status) }
    }
  }

  package func check(
    request: Grpc_Health_V1_HealthCheckRequest,
    context: ServerContext
  ) async throws -> Grpc_Health_V1_HealthCheckResponse {
    guard services.contains(request.service) else {
      throw RPCError(code: .notFound, message: "service \"\(request.service)\" is not served here")
    }
    let status = state.withLock { $0.status }
    return .with { $0.status = status }
  }

  package func watch(
    request: Grpc_Health_V1_HealthCheckRequest,
    response: RPCWriter<Grpc_Health_V1_HealthCheckResponse>,
    context: ServerContext
  ) async throws {
    let isKnown = services.contains(request.service)
    let (statuses, continuation) = AsyncStream.makeStream(
      of: Status.self,
      bufferingPolicy: .bufferingNewest(1)
    )
    let id: Int? = state.withLock { state in
      guard !state.isFinished else { return nil }
      defer { state.nextWatcher += 1 }
      state.watchers[state.nextWatcher] = continuation
      continuation.yield(state.status)
      return state.nextWatcher
    }
    guard let id else { return }
    defer { state.withLock { _ = $0.watchers.removeValue(forKey: id) } }
    try await withRPCCancellationHandler {
      var last: Status?
      for await status in statuses {
        // The protocol keeps the watch of a service that is not served open, too.
        let shown = isKnown ? status : .serviceUnknown
        if shown == last { continue }
        try await response.write(.with { $0.status = shown })
        last = shown
      }
    } onCancelRPC: {
      continuation.finish()
    }
  }
}
