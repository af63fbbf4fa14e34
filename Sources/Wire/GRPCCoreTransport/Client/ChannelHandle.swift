internal import CGRPC
internal import GRPCCore

/// Owns one libgrpc channel. Calls keep it alive.
final class ChannelHandle: @unchecked Sendable {
  private let raw: OpaquePointer
  private let executor: CompletionQueueExecutor

  init(
    target: String,
    arguments: consuming ChannelArguments,
    executor: CompletionQueueExecutor
  ) {
    raw = arguments.withPointer { cgrpc_insecure_channel_create(target, $0) }
    self.executor = executor
    executor.liveObjects.channels.increment()
  }

  deinit {
    grpc_channel_destroy(raw)
    executor.liveObjects.channels.decrement()
  }

  /// Begins to connect before the first call asks for it.
  func connect() {
    _ = grpc_channel_check_connectivity_state(raw, 1)
  }

  /// Whether there is a connection, waiting for one until the deadline.
  ///
  /// An attempt begins at once, whatever pause earlier failures have earned. Core tells a later
  /// failure from the first one to nobody, so that only time ends the wait.
  func becomesReady(before deadline: gpr_timespec) async -> Bool {
    var state = grpc_channel_check_connectivity_state(raw, 1)
    if state == GRPC_CHANNEL_READY { return true }
    grpc_channel_reset_connect_backoff(raw)
    while state != GRPC_CHANNEL_READY, state != GRPC_CHANNEL_SHUTDOWN {
      let change = CompletionNotice()
      grpc_channel_watch_connectivity_state(
        raw,
        state,
        deadline,
        executor.queue.raw,
        change.passToCore()
      )
      guard await change.completion() else { return false }
      state = grpc_channel_check_connectivity_state(raw, 1)
    }
    return state == GRPC_CHANNEL_READY
  }

  func makeCall(method: String, timeout: Duration?) -> CallHandle {
    let path = grpc_slice_from_copied_string(method)
    defer { grpc_slice_unref(path) }
    let call = grpc_channel_create_call(
      raw,
      nil,
      0,
      executor.queue.raw,
      path,
      nil,
      Deadline.after(timeout),
      nil
    )
    guard let call else { preconditionFailure("libgrpc made no call") }
    return CallHandle(owning: call, liveObjects: executor.liveObjects)
  }
}
