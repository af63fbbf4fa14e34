internal import CGRPC
internal import GRPCCore
import Synchronization

/// The server's side of one RPC.
///
/// A response that is a single message is held back until its status is known and then goes out as
/// one batch.
final class ServerCall: Sendable {
  private enum Receiving {
    /// The client's metadata has not been handed out.
    case metadata(Metadata)
    case messages
    case ended
  }

  private enum Sending {
    /// Nothing was written. Transitions to `held`, `open` or `closed`.
    case unopened
    /// Initial metadata and message of a single-message response so far. Transitions to `open` or `closed`.
    case held(Batch, SliceBytes?)
    /// Initial metadata is on its way. Transitions to `closed`.
    case open
    /// The status is on its way, or the RPC is lost.
    case closed
  }

  private let handle: CallHandle
  private let expectsSingleRequest: Bool
  private let holdsResponse: Bool

  private let receiving: Mutex<Receiving>
  private let received: Batch
  private let sending = Mutex(Sending.unopened)
  private let sender: MessageSender
  private let ending: Batch

  /// Asks core to report the end of the call, and for the only message where there is just one.
  init(handle: CallHandle, descriptor: MethodDescriptor, metadata: Metadata) {
    self.handle = handle
    expectsSingleRequest = descriptor.type.map { !$0.isRequestStreaming } ?? false
    holdsResponse = descriptor.type.map { !$0.isResponseStreaming } ?? false
    receiving = Mutex(.metadata(metadata))
    received = Batch(liveObjects: handle.liveObjects)
    sender = MessageSender(call: handle)
    ending = Batch(liveObjects: handle.liveObjects)
    cgrpc_batch_add_receive_close(ending.raw)
    if expectsSingleRequest { cgrpc_batch_add_receive_message(received.raw) }
    do throws(RPCError) {
      try ending.start(on: handle)
      if expectsSingleRequest { try received.start(on: handle) }
    } catch {
      preconditionFailure("a new call took no operations: \(error)")
    }
  }

  /// Waits for the end of the call.
  ///
  /// - Returns: Whether the client got a status from the handler: false when the RPC was cancelled,
  ///   its deadline passed or the connection broke.
  func end() async -> Bool {
    _ = await ending.completion()
    return ending.raw.pointee.received_cancelled == 0
  }

  /// Cancels the call if the handler left it without a status.
  func handlerReturned() {
    let isAbandoned = sending.withLock { sending in
      defer { sending = .closed }
      if case .closed = sending { return false }
      return true
    }
    if isAbandoned { handle.cancel(.unknown, "The handler ended without a status.") }
  }

  /// Gives the call back to core.
  func release() {
    handle.release()
  }
}

// MARK: - Request

extension ServerCall {
  /// The next part, nil when the client has finished its request. For one task at a time.
  ///
  /// - Throws: `RPCError` `cancelled` when the RPC has failed, `CancellationError` when the task is
  ///   cancelled; a later call gets the message.
  func nextPart() async throws -> RPCRequestPart<SliceBytes>? {
    let metadata = receiving.withLock { receiving -> Metadata? in
      guard case .metadata(let metadata) = receiving else { return nil }
      receiving = .messages
      return metadata
    }
    if let metadata { return .metadata(metadata) }
    return try await nextMessage()
  }

  private func nextMessage() async throws -> RPCRequestPart<SliceBytes>? {
    guard case .messages = receiving.withLock({ $0 }) else { return nil }
    if !received.isOutstanding {
      received.reset()
      cgrpc_batch_add_receive_message(received.raw)
      try received.start(on: handle)
    }
    let outcome = await received.completionOrCancellation()
    if outcome == .waitCancelled { throw CancellationError() }
    let message = received.takeReceivedMessage()
    received.reset()
    if message == nil || expectsSingleRequest { receiving.withLock { $0 = .ended } }
    if let message { return .message(message) }
    guard outcome == .succeeded, !handle.failedBeforeMessage else {
      throw RPCError(code: .cancelled, message: "The RPC ended before the request was complete.")
    }
    return nil
  }
}

// MARK: - Response

extension ServerCall {
  func write(_ metadata: Metadata) throws(RPCError) {
    let opening = Batch(liveObjects: handle.liveObjects)
    try addInitial(metadata, to: opening.raw)
    let opens = try sending.withLock { sending throws(RPCError) in
      switch sending {
      case .unopened: break
      case .closed: throw Self.isClosed
      default:
        throw RPCError(code: .internalError, message: "Metadata may be written once, first.")
      }
      sending = holdsResponse ? .held(opening, nil) : .open
      return !holdsResponse
    }
    if opens { try opening.start(on: handle) }
  }

  func write(_ message: SliceBytes) async throws {
    switch try admit(message) {
    case .held: return
    case .now: try await sender.send(message)
    case .after(let opening, let first):
      try opening.start(on: handle)
      try await sender.send(first)
      try await sender.send(message)
    }
  }

  func write(_ status: Status, _ trailing: Metadata) throws(RPCError) {
    let previous = sending.withLock { sending in
      let previous = sending
      sending = .closed
      return previous
    }
    let batch: Batch
    switch previous {
    case .unopened:
      batch = Batch(liveObjects: handle.liveObjects)
      try addInitial([:], to: batch.raw)
    case .held(let opening, let message):
      batch = opening
      if let message { batch.addMessage(message) }
    case .open: batch = Batch(liveObjects: handle.liveObjects)
    case .closed: throw Self.isClosed
    }
    addStatus(status, trailing, to: batch.raw)
    do throws(RPCError) {
      try batch.start(on: handle)
    } catch {
      handle.cancel(Status.Code(error.code), error.message)
      throw error
    }
  }

  func finish(throwing error: any Error) {
    let error = error as? RPCError ?? RPCError(code: .unknown, message: "\(error)")
    // Fails where the status was written or the RPC is lost: then there is nothing to finish.
    try? write(Status(code: Status.Code(error.code), message: error.message), error.metadata)
  }

  private enum Admission {
    case held
    case now
    case after(Batch, SliceBytes)
  }

  private func admit(_ message: SliceBytes) throws(RPCError) -> Admission {
    try sending.withLock { sending throws(RPCError) in
      switch sending {
      case .unopened:
        throw RPCError(code: .internalError, message: "A message was written before metadata.")
      case .held(let opening, nil):
        sending = .held(opening, message)
        return .held
      case .held(let opening, let first?):
        sending = .open
        return .after(opening, first)
      case .open: return .now
      case .closed: throw Self.isClosed
      }
    }
  }

  private func addInitial(
    _ metadata: Metadata,
    to batch: UnsafeMutablePointer<cgrpc_batch>
  ) throws(RPCError) {
    try metadata.append(to: &batch.pointee.initial_metadata)
    cgrpc_batch_add_send_initial_metadata(batch, 0)
  }

  /// Trailing metadata that cannot be sent turns into an error that can.
  private func addStatus(
    _ status: Status,
    _ trailing: Metadata,
    to batch: UnsafeMutablePointer<cgrpc_batch>
  ) {
    var status = status
    do throws(RPCError) {
      try trailing.append(to: &batch.pointee.trailing_metadata)
    } catch {
      cgrpc_metadata_list_clear(&batch.pointee.trailing_metadata)
      status = Status(code: .internalError, message: error.message)
    }
    let code = grpc_status_code(rawValue: numericCast(status.code.rawValue))
    var message = status.message
    message.withUTF8 { details in
      details.withMemoryRebound(to: CChar.self) { details in
        cgrpc_batch_add_send_status(batch, code, details.baseAddress, details.count)
      }
    }
  }

  private static let isClosed = RPCError(
    code: .failedPrecondition,
    message: "The response has been finished."
  )
}
