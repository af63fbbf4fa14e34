import Synchronization

/// Lets a load write to KV memory for as long as it is open. When ``close()`` returns, nobody writes
/// through it any more.
final class WriteGate: Sendable {
  private let isOpen = Mutex(true)
  /// Has no elements, and ends when the gate is closed.
  private let closing = AsyncStream.makeStream(of: Never.self)

  /// - Returns: false, without writing, if it is closed.
  func write(_ body: () -> Void) -> Bool {
    isOpen.withLock { isOpen in
      if isOpen { body() }
      return isOpen
    }
  }

  func close() {
    isOpen.withLock { $0 = false }
    closing.continuation.finish()
  }

  /// Waits until it is closed or the task is cancelled; for one task.
  func closed() async { for await _ in closing.stream {} }
}
