import Synchronization

/// Lets one task at a time through, in order of arrival; a cancelled task stops waiting.
final class AsyncGate: Sendable {
  private struct Waiter {
    let id: UInt64
    /// Resumes with whether the waiter holds the gate now.
    let continuation: UnsafeContinuation<Bool, Never>
  }

  private struct State {
    var isHeld = false
    var waiters: [Waiter] = []
    var nextID: UInt64 = 0
  }

  private let state = Mutex(State())

  /// Waits for the gate and holds it until ``leave()``.
  ///
  /// - Throws: `CancellationError` when the task is cancelled while it waits.
  func enter() async throws {
    let id = state.withLock { state -> UInt64? in
      guard state.isHeld else {
        state.isHeld = true
        return nil
      }
      state.nextID += 1
      return state.nextID
    }
    guard let id else { return }

    let entered = await withTaskCancellationHandler {
      await withUnsafeContinuation { continuation in
        self.wait(Waiter(id: id, continuation: continuation))
        // The handler may have run before there was a waiter.
        if Task.isCancelled { self.cancel(id) }
      }
    } onCancel: {
      self.cancel(id)
    }
    guard entered else { throw CancellationError() }
  }

  /// Passes the gate to the task that has waited longest.
  func leave() {
    let next = state.withLock { state -> Waiter? in
      guard !state.waiters.isEmpty else {
        state.isHeld = false
        return nil
      }
      return state.waiters.removeFirst()
    }
    next?.continuation.resume(returning: true)
  }

  private func wait(_ waiter: Waiter) {
    let enters = state.withLock { state in
      if state.isHeld {
        state.waiters.append(waiter)
        return false
      }
      state.isHeld = true
      return true
    }
    if enters { waiter.continuation.resume(returning: true) }
  }

  private func cancel(_ id: UInt64) {
    let waiter = state.withLock { state -> Waiter? in
      guard let index = state.waiters.firstIndex(where: { $0.id == id }) else { return nil }
      return state.waiters.remove(at: index)
    }
    waiter?.continuation.resume(returning: false)
  }
}
