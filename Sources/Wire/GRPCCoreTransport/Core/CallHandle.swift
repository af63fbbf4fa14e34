internal import CGRPC
internal import GRPCCore
import Synchronization

/// Owns one libgrpc call.
///
/// The lock orders the operations that start, as core demands, and keeps a late cancellation from
/// touching a released call.
final class CallHandle: Sendable {
  private struct State: ~Copyable, @unchecked Sendable {
    var call: OpaquePointer?
    var wasCancelledHere = false
  }

  private let state: Mutex<State>
  let liveObjects: LiveObjects

  /// Takes over the caller's reference.
  init(owning call: OpaquePointer, liveObjects: LiveObjects) {
    nonisolated(unsafe) let call = call
    state = Mutex(State(call: call))
    self.liveObjects = liveObjects
    liveObjects.calls.increment()
  }

  deinit {
    release()
  }

  /// Gives the call back to core, which cancels it if it has not ended. What holds this handle
  /// longer can do no more with it.
  func release() {
    state.withLock { state in
      guard let call = state.call.take() else { return }
      grpc_call_unref(call)
      liveObjects.calls.decrement()
    }
  }

  /// Runs `body` with the call, or returns nil when it has been released.
  func withCall<Result: Sendable>(_ body: (OpaquePointer) -> Result) -> Result? {
    state.withLock { state in
      guard let call = state.call else { return nil }
      return body(call)
    }
  }

  /// Ends the call. The local status becomes the given one unless the call has one already; the
  /// peer sees that the call was cancelled.
  func cancel(_ code: Status.Code = .cancelled, _ message: String = "The RPC was cancelled.") {
    state.withLock { state in
      guard let call = state.call else { return }
      state.wasCancelledHere = true
      _ = grpc_call_cancel_with_status(
        call,
        grpc_status_code(rawValue: numericCast(code.rawValue)),
        message,
        nil
      )
    }
  }

  /// Whether ``cancel(_:_:)`` was called.
  var wasCancelledHere: Bool {
    state.withLock { $0.wasCancelledHere }
  }

  /// The peer's address as core writes it, such as `ipv4:127.0.0.1:50051`.
  var peer: String {
    withCall { call in
      guard let peer = grpc_call_get_peer(call) else { return "unknown" }
      defer { gpr_free(peer) }
      return String(cString: peer)
    } ?? "unknown"
  }

  /// Whether the server answered with nothing but a status. Known once initial metadata came.
  var isTrailersOnly: Bool {
    withCall { cgrpc_call_is_trailers_only($0) } ?? false
  }

  /// Whether the last read ended because the call failed, not because the peer finished.
  var failedBeforeMessage: Bool {
    withCall { grpc_call_failed_before_recv_message($0) != 0 } ?? true
  }
}
