internal import CGRPC
internal import GRPCCore
import Synchronization

/// Owns one libgrpc server.
///
/// Whoever makes it must run ``beginShutdown()`` and await ``awaitDrained()`` before letting go.
final class ServerHandle: @unchecked Sendable {
  private let raw: OpaquePointer
  private let executor: CompletionQueueExecutor
  private let drained: CompletionNotice
  private let shutdownBegan = Atomic<Bool>(false)

  init(arguments: consuming ChannelArguments, executor: CompletionQueueExecutor) {
    raw = arguments.withPointer { grpc_server_create($0, nil) }
    self.executor = executor
    drained = CompletionNotice()
    // Core demands it before the server starts.
    grpc_server_register_completion_queue(raw, executor.queue.raw, nil)
    executor.liveObjects.servers.increment()
  }

  deinit {
    grpc_server_destroy(raw)
    executor.liveObjects.servers.decrement()
  }

  /// Listens on an address.
  ///
  /// - Returns: The address with the port that was chosen.
  /// - Throws: `unavailable` with the reason when the address cannot be bound.
  func bind(_ address: TransportAddress) throws(RPCError) -> TransportAddress {
    try refuseOccupiedPath(address)
    var reason = [CChar](repeating: 0, count: 4096)
    let port = cgrpc_server_bind(raw, address.bindingName, &reason, reason.count)
    guard port != 0 else {
      let log = String(decoding: reason.prefix { $0 != 0 }.map(UInt8.init), as: UTF8.self)
      throw RPCError(cannotListenOn: address, because: Self.reason(inLog: log))
    }
    switch address {
    case .tcp(let host, _): return .tcp(host: host, port: Int(port))
    case .unix: return address
    }
  }

  func start() {
    grpc_server_start(raw)
  }

  /// Waits for the next call; nil after shutdown began.
  func nextCall() async -> IncomingCall? {
    let incoming = IncomingCall(liveObjects: executor.liveObjects)
    let queue = executor.queue.raw
    let tag = incoming.passToCore()
    let error = grpc_server_request_call(
      raw,
      incoming.callSlot,
      incoming.detailsSlot,
      incoming.metadataSlot,
      queue,
      queue,
      tag
    )
    guard error == GRPC_CALL_OK else {
      preconditionFailure(
        "libgrpc refused to accept calls: \(String(cString: grpc_call_error_to_string(error)))"
      )
    }
    return await incoming.completion() ? incoming : nil
  }

  /// Stops accepting; calls that are open may end.
  func beginShutdown() {
    guard !shutdownBegan.exchange(true, ordering: .acquiringAndReleasing) else { return }
    grpc_server_shutdown_and_notify(raw, executor.queue.raw, drained.passToCore())
  }

  /// After ``beginShutdown()``.
  func cancelAllCalls() {
    grpc_server_cancel_all_calls(raw)
  }

  /// Waits until shutdown is complete: no connection and no call is left. For one task.
  func awaitDrained() async {
    _ = await drained.completion()
  }

  /// Core would unlink the socket of a server that is alive.
  private func refuseOccupiedPath(_ address: TransportAddress) throws(RPCError) {
    guard case .unix(let path) = address else { return }
    let maximum = cgrpc_unix_path_maximum_length()
    guard path.utf8.count <= maximum else {
      throw RPCError(
        cannotListenOn: address,
        because: "the path is longer than \(maximum) bytes"
      )
    }
    guard !cgrpc_unix_socket_is_live(path) else {
      throw RPCError(cannotListenOn: address, because: "Address already in use")
    }
  }

  /// The system's words within core's nested error, or all of it.
  private static func reason(inLog log: String) -> String {
    let quoted = log.split(separator: "os_error:\"", omittingEmptySubsequences: false).dropFirst()
    return quoted.first.map { String($0.prefix { $0 != "\"" }) } ?? log
  }
}

extension RPCError {
  init(cannotListenOn address: TransportAddress, because reason: String) {
    self.init(code: .unavailable, message: "Cannot listen on \(address): \(reason).")
  }
}
