internal import CGRPC
internal import GRPCCore
import Synchronization

/// The client's side of one RPC.
///
/// A request that is a single message is held back until it is complete and then goes out as one
/// batch; a response that is a single message comes in as one batch.
final class ClientCall: Sendable {
  private enum Sending {
    /// Nothing was written. Transitions to `held` or `open`.
    case unopened
    /// Initial metadata and message of a single-message request so far. Transitions to `open` or `closed`.
    case held(Batch, SliceBytes?)
    /// Initial metadata is on its way. Transitions to `closed`.
    case open
    case closed
  }

  private enum Receiving {
    /// Nothing was asked for.
    case unopened
    /// Initial metadata has come; core is asked for one message after the other.
    case messages
    /// What a single batch brought, last part first.
    case received([RPCResponsePart<SliceBytes>])
    case ended
  }

  let handle: CallHandle
  private let channel: ChannelHandle
  private let holdsRequest: Bool
  private let expectsSingleResponse: Bool
  private let waitForReady: Bool?
  private let maximumRequestBytes: Int?
  private let maximumResponseBytes: Int?

  private let sending = Mutex(Sending.unopened)
  private let sender: MessageSender
  private let receiving = Mutex(Receiving.unopened)
  private let received: Batch
  private let status: Batch

  init(
    handle: CallHandle,
    channel: ChannelHandle,
    descriptor: MethodDescriptor,
    options: CallOptions
  ) {
    self.handle = handle
    self.channel = channel
    holdsRequest = descriptor.type.map { !$0.isRequestStreaming } ?? false
    expectsSingleResponse = descriptor.type == .unary
    waitForReady = options.waitForReady
    maximumRequestBytes = options.maxRequestMessageBytes
    maximumResponseBytes = options.maxResponseMessageBytes
    sender = MessageSender(call: handle)
    received = Batch(liveObjects: handle.liveObjects)
    status = Batch(liveObjects: handle.liveObjects)
  }

  /// Ends the call if it has not ended, and gives it back to core.
  func close() {
    sending.withLock { $0 = .closed }
    handle.release()
  }
}

// MARK: - Request

extension ClientCall {
  func write(_ metadata: Metadata) throws(RPCError) {
    let opening = Batch(liveObjects: handle.liveObjects)
    try add(metadata, to: opening.raw)
    let opens = try sending.withLock { sending throws(RPCError) in
      guard case .unopened = sending else {
        throw RPCError(code: .failedPrecondition, message: "Metadata may be written once, first.")
      }
      sending = holdsRequest ? .held(opening, nil) : .open
      return !holdsRequest
    }
    if opens { try opening.start(on: handle) }
  }

  func write(_ message: SliceBytes) async throws {
    if let maximumRequestBytes, message.count > maximumRequestBytes {
      throw RPCError(
        code: .resourceExhausted,
        message: "The request has \(message.count) bytes, the limit is \(maximumRequestBytes)."
      )
    }
    switch try admit(message) {
    case .held: return
    case .now: try await send(message)
    case .after(let opening, let first):
      try opening.start(on: handle)
      try await send(first)
      try await send(message)
    }
  }

  func finish() {
    let previous = sending.withLock { sending in
      let previous = sending
      sending = .closed
      return previous
    }
    do throws(RPCError) {
      let batch: Batch
      switch previous {
      case .unopened:
        batch = Batch(liveObjects: handle.liveObjects)
        try add([:], to: batch.raw)
      case .held(let opening, let message):
        batch = opening
        if let message { batch.addMessage(message) }
      case .open: batch = Batch(liveObjects: handle.liveObjects)
      case .closed: return
      }
      cgrpc_batch_add_send_close(batch.raw)
      try batch.start(on: handle)
    } catch {
      handle.cancel(Status.Code(error.code), error.message)
    }
  }

  func finish(throwing error: any Error) {
    let wasOpen = sending.withLock { sending in
      defer { sending = .closed }
      if case .closed = sending { return false }
      return true
    }
    guard wasOpen else { return }
    switch error {
    case let error as RPCError: handle.cancel(Status.Code(error.code), error.message)
    case is CancellationError: handle.cancel()
    default: handle.cancel(.unknown, "The request could not be produced: \(error)")
    }
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
      case .closed:
        throw RPCError(code: .failedPrecondition, message: "The request has been finished.")
      }
    }
  }

  private func send(_ message: SliceBytes) async throws {
    do {
      try await sender.send(message)
    } catch let error as RPCError {
      // The call has ended and its status says why: finishing with this error must not replace it.
      sending.withLock { $0 = .closed }
      throw error
    }
  }

  private func add(
    _ metadata: Metadata,
    to batch: UnsafeMutablePointer<cgrpc_batch>
  ) throws(RPCError) {
    try metadata.append(to: &batch.pointee.initial_metadata)
    var flags: UInt32 = 0
    if let waitForReady {
      flags |= UInt32(GRPC_INITIAL_METADATA_WAIT_FOR_READY_EXPLICITLY_SET)
      if waitForReady { flags |= UInt32(GRPC_INITIAL_METADATA_WAIT_FOR_READY) }
    }
    cgrpc_batch_add_send_initial_metadata(batch, flags)
  }
}

// MARK: - Response

extension ClientCall {
  /// The next part, nil after the status. For one task at a time; cancelling it cancels the RPC.
  func nextPart() async throws -> RPCResponsePart<SliceBytes>? {
    try await withTaskCancellationHandler {
      switch self.receiving.withLock({ $0 }) {
      case .unopened:
        return try await self.expectsSingleResponse ? self.receiveAll() : self.receiveFirst()
      case .messages: return try await self.receiveMessage()
      case .received(let parts): return self.takeNext(of: parts)
      case .ended: return nil
      }
    } onCancel: {
      self.handle.cancel()
    }
  }

  private func receiveAll() async throws -> RPCResponsePart<SliceBytes>? {
    cgrpc_batch_add_receive_initial_metadata(received.raw)
    cgrpc_batch_add_receive_message(received.raw)
    cgrpc_batch_add_receive_status(received.raw)
    try received.start(on: handle)
    _ = await received.completion()

    let message = received.takeReceivedMessage()
    if let message, let excess = excess(of: message) {
      return takeNext(of: [.status(excess, [:])])
    }
    var parts = [statusPart(of: received)]
    if let message { parts.append(.message(message)) }
    let initial = Metadata(received.raw.pointee.received_initial_metadata)
    // A lone failure is a rejection, which grpc-swift may retry.
    if message != nil || !initial.isEmpty || !isFailure(parts[0]) {
      parts.append(.metadata(initial))
    }
    received.reset()
    return takeNext(of: parts)
  }

  private func receiveFirst() async throws -> RPCResponsePart<SliceBytes>? {
    cgrpc_batch_add_receive_status(status.raw)
    try status.start(on: handle)
    cgrpc_batch_add_receive_initial_metadata(received.raw)
    try received.start(on: handle)
    guard await received.completion() == .succeeded, !handle.isTrailersOnly else {
      return await receiveStatus()
    }
    let metadata = Metadata(received.raw.pointee.received_initial_metadata)
    received.reset()
    receiving.withLock { $0 = .messages }
    return .metadata(metadata)
  }

  private func receiveMessage() async throws -> RPCResponsePart<SliceBytes>? {
    cgrpc_batch_add_receive_message(received.raw)
    try received.start(on: handle)
    _ = await received.completion()
    let message = received.takeReceivedMessage()
    received.reset()
    guard let message else { return await receiveStatus() }
    if let excess = excess(of: message) {
      handle.cancel(excess.code, excess.message)
      receiving.withLock { $0 = .ended }
      return .status(excess, [:])
    }
    return .message(message)
  }

  private func receiveStatus() async -> RPCResponsePart<SliceBytes> {
    _ = await status.completion()
    receiving.withLock { $0 = .ended }
    return statusPart(of: status)
  }

  private func takeNext(of parts: [RPCResponsePart<SliceBytes>]) -> RPCResponsePart<SliceBytes>? {
    var parts = parts
    let next = parts.popLast()
    receiving.withLock { $0 = parts.isEmpty ? .ended : .received(parts) }
    return next
  }

  private func statusPart(of batch: Batch) -> RPCResponsePart<SliceBytes> {
    let raw = batch.raw.pointee
    let code = Status.Code(rawValue: numericCast(raw.received_status.rawValue)) ?? .unknown
    var status = Status(code: code, message: String(raw.received_status_details))
    if status == Self.droppedByCore, !handle.wasCancelledHere {
      status = Status(code: .unavailable, message: "The server is shutting down.")
    }
    return .status(status, Metadata(raw.received_trailing_metadata))
  }

  /// How core's server ends a call that arrives during its shutdown, which no handler has seen.
  private static let droppedByCore = Status(code: .cancelled, message: "CANCELLED")

  private func isFailure(_ part: RPCResponsePart<SliceBytes>) -> Bool {
    if case .status(let status, _) = part { status.code != .ok } else { false }
  }

  private func excess(of message: SliceBytes) -> Status? {
    guard let maximumResponseBytes, message.count > maximumResponseBytes else { return nil }
    return Status(
      code: .resourceExhausted,
      message: "The response has \(message.count) bytes, the limit is \(maximumResponseBytes)."
    )
  }
}
