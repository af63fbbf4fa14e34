internal import CGRPC
internal import GRPCCore
import Synchronization

/// Owns one set of operations on a call, which can be started, awaited, and filled again.
///
/// One task fills and starts it, one task awaits it. While it is in flight core uses its memory;
/// therefore only a completed batch is reset or read.
final class Batch: CompletionTag, @unchecked Sendable {
  enum Outcome {
    case succeeded
    case failed
    /// The waiting task was cancelled. The batch is still in flight and can be awaited again.
    case waitCancelled
  }

  private enum Phase {
    /// Can be filled. Transitions to `inFlight` by `start`.
    case idle
    /// Core has it. Transitions to `completed` when core is done.
    case inFlight(waiter: UnsafeContinuation<Outcome, Never>?)
    /// Transitions to `idle` when a waiter takes the outcome.
    case completed(Outcome)
  }

  let raw: UnsafeMutablePointer<cgrpc_batch>
  private let phase = Mutex(Phase.idle)
  private let liveObjects: LiveObjects
  private var byteBuffers = 0

  init(liveObjects: LiveObjects) {
    raw = cgrpc_batch_create()
    self.liveObjects = liveObjects
    liveObjects.batches.increment()
  }

  deinit {
    releaseByteBuffers()
    cgrpc_batch_destroy(raw)
    liveObjects.batches.decrement()
  }

  /// Whether it was started and its outcome has not been taken.
  var isOutstanding: Bool {
    phase.withLock { phase in
      if case .idle = phase { false } else { true }
    }
  }

  // MARK: Filling

  /// Removes the operations of the last use.
  func reset() {
    precondition(!isOutstanding, "a batch was reset before its outcome was taken")
    releaseByteBuffers()
    cgrpc_batch_reset(raw)
  }

  /// Adds a message to send.
  func addMessage(_ bytes: SliceBytes) {
    bytes.withSharedSlices { cgrpc_batch_add_send_message(raw, $0.baseAddress, $0.count) }
    countByteBuffer()
  }

  /// The message that a completed batch received, without copying. Once.
  func takeReceivedMessage() -> SliceBytes? {
    guard raw.pointee.received_message != nil else { return nil }
    countByteBuffer()
    return SliceBytes(
      owning: SliceList(count: cgrpc_batch_received_slice_count(raw), isShared: true) {
        cgrpc_batch_take_received_slices(raw, $0)
      }
    )
  }

  private func countByteBuffer() {
    byteBuffers += 1
    liveObjects.byteBuffers.increment()
  }

  private func releaseByteBuffers() {
    liveObjects.byteBuffers.decrement(by: byteBuffers)
    byteBuffers = 0
  }

  // MARK: Running

  /// Hands the operations to core.
  ///
  /// - Throws: When core refuses them, which leaves call and batch as they were.
  func start(on call: CallHandle) throws(RPCError) {
    phase.withLock { phase in
      guard case .idle = phase else {
        preconditionFailure("a batch was started twice")
      }
      phase = .inFlight(waiter: nil)
    }
    let tag = passToCore()
    let error = call.withCall { cgrpc_batch_start(raw, $0, tag) }
    guard error == GRPC_CALL_OK else {
      CompletionTag.takeBack(tag)
      phase.withLock { $0 = .idle }
      throw RPCError(refusedBatch: error)
    }
  }

  override func complete(success: Bool) {
    let outcome = success ? Outcome.succeeded : .failed
    let waiter = phase.withLock { phase -> UnsafeContinuation<Outcome, Never>? in
      guard case .inFlight(let waiter) = phase else {
        preconditionFailure("core completed a batch that was not in flight")
      }
      phase = waiter == nil ? .completed(outcome) : .idle
      return waiter
    }
    waiter?.resume(returning: outcome)
  }

  // MARK: Waiting

  /// Waits for core, whether or not the task is cancelled.
  func completion() async -> Outcome {
    await withUnsafeContinuation { self.install($0) }
  }

  /// Waits for core or for the task's cancellation, which leaves the batch in flight.
  func completionOrCancellation() async -> Outcome {
    await withTaskCancellationHandler {
      await withUnsafeContinuation { waiter in
        self.install(waiter)
        // The handler may have run before there was a waiter.
        if Task.isCancelled { self.cancelWaiter() }
      }
    } onCancel: {
      self.cancelWaiter()
    }
  }

  private func install(_ waiter: UnsafeContinuation<Outcome, Never>) {
    let outcome = phase.withLock { phase -> Outcome? in
      switch phase {
      case .idle: preconditionFailure("a batch was awaited before it was started")
      case .inFlight(waiter: .some): preconditionFailure("a batch was awaited twice")
      case .inFlight(waiter: nil):
        phase = .inFlight(waiter: waiter)
        return nil
      case .completed(let outcome):
        phase = .idle
        return outcome
      }
    }
    if let outcome { waiter.resume(returning: outcome) }
  }

  private func cancelWaiter() {
    let waiter = phase.withLock { phase -> UnsafeContinuation<Outcome, Never>? in
      guard case .inFlight(let waiter?) = phase else { return nil }
      phase = .inFlight(waiter: nil)
      return waiter
    }
    waiter?.resume(returning: .waitCancelled)
  }
}

extension RPCError {
  /// - Parameter refusedBatch: Why core refused; nil when the call had been released.
  fileprivate init(refusedBatch error: grpc_call_error?) {
    guard let error else {
      self.init(code: .cancelled, message: "The RPC has ended.")
      return
    }
    let reason = String(cString: grpc_call_error_to_string(error))
    self.init(code: .internalError, message: "libgrpc refused an operation: \(reason).")
  }
}
