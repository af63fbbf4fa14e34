internal import GRPCCore

/// Sends the messages of one direction of a call, one at a time.
///
/// A message counts as sent when core's flow control has accepted it, which is how a slow reader
/// holds back its writer.
final class MessageSender: Sendable {
  private let call: CallHandle
  private let batch: Batch
  private let gate = AsyncGate()

  init(call: CallHandle) {
    self.call = call
    batch = Batch(liveObjects: call.liveObjects)
  }

  /// - Throws: `RPCError` when the call has ended, `CancellationError` when the task is cancelled;
  ///   core may then still send the message.
  func send(_ message: SliceBytes) async throws {
    try await gate.enter()
    defer { gate.leave() }
    // An earlier task was cancelled while core had its message.
    if batch.isOutstanding { try await awaitFlowControl() }
    batch.addMessage(message)
    try batch.start(on: call)
    try await awaitFlowControl()
  }

  private func awaitFlowControl() async throws {
    switch await batch.completionOrCancellation() {
    case .succeeded: batch.reset()
    case .failed:
      batch.reset()
      throw RPCError(code: .cancelled, message: "The RPC ended before the message was sent.")
    case .waitCancelled: throw CancellationError()
    }
  }
}
