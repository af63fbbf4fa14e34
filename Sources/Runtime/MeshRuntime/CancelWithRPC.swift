package import GRPCCore

/// Runs `operation` in a task that is cancelled when the RPC is: gRPC by itself only signals the
/// cancellation to whoever asks, and leaves the handler's task running.
///
/// - Throws: What `operation` throws; `RPCError` `cancelled` if the RPC was cancelled first.
package func withTaskCancelledByRPC<Success: Sendable>(
  _ context: ServerContext,
  _ operation: @escaping @Sendable () async throws -> Success
) async throws -> Success {
  try await withThrowingTaskGroup(of: Success.self) { group in
    group.addTask { try await operation() }
    group.addTask {
      try await context.cancellation.cancelled
      throw RPCError(code: .cancelled, message: "the call was cancelled")
    }
    defer { group.cancelAll() }
    guard let first = try await group.next() else {
      throw RPCError(code: .internalError, message: "an empty task group")
    }
    return first
  }
}
