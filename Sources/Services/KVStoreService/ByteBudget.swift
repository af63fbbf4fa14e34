import Synchronization

/// A number of bytes of which many hold parts. Who wants more than there are left waits, in order of
/// arrival, or does without.
package final class ByteBudget: Sendable {
  /// Bytes that are held for as long as this lives.
  package final class Share: Sendable {
    private let budget: ByteBudget
    private let byteCount: Int

    fileprivate init(of budget: ByteBudget, byteCount: Int) {
      self.budget = budget
      self.byteCount = byteCount
    }

    deinit { budget.giveBack(byteCount) }
  }

  private struct Waiter {
    let id: UInt64
    let byteCount: Int
    let continuation: CheckedContinuation<Share?, Never>
  }

  private struct State {
    var heldBytes = 0
    /// In order of arrival; there are none while the first would find its bytes.
    var waiters: [Waiter] = []
    var nextID: UInt64 = 0
  }

  /// All bytes.
  package let limitBytes: Int
  private let state = Mutex(State())

  /// Creates a budget of which nothing is held.
  package init(limitBytes: Int) { self.limitBytes = limitBytes }

  /// Bytes that are held.
  package var heldBytes: Int { state.withLock { $0.heldBytes } }
  /// Shares that are waited for.
  package var waiterCount: Int { state.withLock { $0.waiters.count } }

  /// Takes a share if it is there and nobody waits.
  ///
  /// - Parameters:
  ///   - byteCount: How much.
  ///   - reserve: What must be left afterwards.
  package func takeAtOnce(_ byteCount: Int, leaving reserve: Int = 0) -> Share? {
    state.withLock { state in
      guard state.waiters.isEmpty, byteCount <= limitBytes - reserve - state.heldBytes else {
        return nil
      }
      state.heldBytes += byteCount
      return Share(of: self, byteCount: byteCount)
    }
  }

  /// Takes a share, and waits until it is there. More than there can ever be counts as all.
  ///
  /// - Returns: nil if the task is cancelled.
  package func take(_ byteCount: Int) async -> Share? {
    let byteCount = min(byteCount, limitBytes)
    if let share = takeAtOnce(byteCount) { return share }
    let id = state.withLock { state in
      state.nextID += 1
      return state.nextID
    }
    return await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        state.withLock { state in
          state.waiters.append(
            Waiter(id: id, byteCount: byteCount, continuation: continuation)
          )
        }
        serveWaiters()
        // The handler may have run before there was a waiter.
        if Task.isCancelled { cancel(id) }
      }
    } onCancel: {
      cancel(id)
    }
  }

  private func giveBack(_ byteCount: Int) {
    state.withLock { $0.heldBytes -= byteCount }
    serveWaiters()
  }

  /// Gives the first waiters their shares, as far as they are there.
  private func serveWaiters() {
    let served = state.withLock { state in
      var served: [Waiter] = []
      while let first = state.waiters.first, first.byteCount <= limitBytes - state.heldBytes {
        state.heldBytes += first.byteCount
        served.append(state.waiters.removeFirst())
      }
      return served
    }
    for waiter in served {
      waiter.continuation.resume(returning: Share(of: self, byteCount: waiter.byteCount))
    }
  }

  private func cancel(_ id: UInt64) {
    let waiter = state.withLock { state -> Waiter? in
      guard let index = state.waiters.firstIndex(where: { $0.id == id }) else { return nil }
      return state.waiters.remove(at: index)
    }
    waiter?.continuation.resume(returning: nil)
    // Those behind it may want less.
    if waiter != nil { serveWaiters() }
  }
}
