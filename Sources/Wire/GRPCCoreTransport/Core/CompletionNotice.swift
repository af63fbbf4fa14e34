import Synchronization

/// An event of core that happens once and that one task may await.
class CompletionNotice: CompletionTag, @unchecked Sendable {
  private enum Phase {
    case pending(waiter: UnsafeContinuation<Bool, Never>?)
    case completed(success: Bool)
  }

  private let phase = Mutex(Phase.pending(waiter: nil))

  override final func complete(success: Bool) {
    let waiter = phase.withLock { phase -> UnsafeContinuation<Bool, Never>? in
      guard case .pending(let waiter) = phase else {
        preconditionFailure("core completed an event twice")
      }
      phase = .completed(success: success)
      return waiter
    }
    waiter?.resume(returning: success)
  }

  /// Waits, whether or not the task is cancelled.
  final func completion() async -> Bool {
    await withUnsafeContinuation { waiter in
      let success = self.phase.withLock { phase -> Bool? in
        switch phase {
        case .pending:
          phase = .pending(waiter: waiter)
          return nil
        case .completed(let success): return success
        }
      }
      if let success { waiter.resume(returning: success) }
    }
  }
}
