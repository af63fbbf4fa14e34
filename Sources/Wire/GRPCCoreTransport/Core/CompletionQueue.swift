internal import CGRPC

/// Owns a libgrpc completion queue and the means to wake its poller.
///
/// `next` is for one thread; `wake` is for any.
final class CompletionQueue: @unchecked Sendable {
  enum Event {
    case completed(CompletionTag, success: Bool)
    /// A wake-up, or nothing was ready.
    case nothing
    /// No operation is left and none will come.
    case shutdown
  }

  let raw: OpaquePointer
  private let wakeChannel: OpaquePointer
  private let wakeCall: OpaquePointer

  init() {
    Library.start()
    raw = grpc_completion_queue_create_for_next(nil)
    wakeChannel = cgrpc_wake_channel_create()
    wakeCall = cgrpc_wake_call_create(wakeChannel, raw)
  }

  /// Makes the blocked or next call of ``next(mayBlock:)`` return.
  func wake() {
    let error = grpc_call_start_batch(wakeCall, nil, 0, nil, nil)
    // Refused only once the queue is shutting down, when `next` does not block.
    precondition(
      error == GRPC_CALL_OK || error == GRPC_CALL_ERROR_COMPLETION_QUEUE_SHUTDOWN,
      "cannot wake the completion queue: \(String(cString: grpc_call_error_to_string(error)))"
    )
  }

  func next(mayBlock: Bool) -> Event {
    let event = grpc_completion_queue_next(
      raw,
      mayBlock ? cgrpc_never() : cgrpc_at_once(),
      nil
    )
    switch event.type {
    case GRPC_OP_COMPLETE:
      guard let tag = event.tag else { return .nothing }
      return .completed(CompletionTag.takeFromCore(tag), success: event.success != 0)
    case GRPC_QUEUE_SHUTDOWN: return .shutdown
    default: return .nothing
    }
  }

  func shutdown() {
    grpc_completion_queue_shutdown(raw)
  }

  /// After ``next(mayBlock:)`` returned `.shutdown`.
  func destroy() {
    grpc_call_unref(wakeCall)
    grpc_channel_destroy(wakeChannel)
    grpc_completion_queue_destroy(raw)
  }
}

/// The process-wide state of libgrpc. It is never torn down.
enum Library {
  private static let started: Void = {
    cgrpc_tune_allocator()
    cgrpc_settle_clock()
    grpc_init()
  }()

  static func start() {
    _ = started
  }
}
