import Synchronization

/// Passes elements from some tasks to one other, with room for a few: who sends waits while there is
/// no room, who receives waits while there is nothing. A cancelled task stops waiting.
package final class BoundedChannel<Element: Sendable>: Sendable {
  private struct Sender {
    let id: UInt64
    let element: Element
    let continuation: CheckedContinuation<Bool, Never>
  }

  private enum Phase {
    /// Can transition to `finished` or `closed`.
    case open
    /// What was sent can still be received; nothing more can be sent. Transitions to `closed`.
    case finished
    /// Nothing can be sent or received.
    case closed
  }

  private struct State {
    var phase = Phase.open
    var elements: [Element] = []
    var senders: [Sender] = []
    var receiver: CheckedContinuation<Element?, Never>?
    var nextID: UInt64 = 0
  }

  private let capacity: Int
  private let state = Mutex(State())

  /// Creates a channel.
  ///
  /// - Parameter capacity: Elements that nobody has received yet; at least 1.
  package init(capacity: Int) {
    precondition(capacity > 0, "a channel has room for at least one element")
    self.capacity = capacity
  }

  /// Sends an element, and waits for room if there is none.
  ///
  /// - Returns: Whether it was taken: not if the channel is finished or closed, or the task was
  ///   cancelled while it waited.
  package func send(_ element: Element) async -> Bool {
    let taken = state.withLock { Self.take(element, &$0, capacity) }
    if let taken { return taken }
    let id = state.withLock { state in
      state.nextID += 1
      return state.nextID
    }
    return await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let taken = state.withLock { state in
          let taken = Self.take(element, &state, capacity)
          if taken == nil {
            state.senders.append(Sender(id: id, element: element, continuation: continuation))
          }
          return taken
        }
        if let taken { continuation.resume(returning: taken) }
        // The handler may have run before there was a sender.
        if Task.isCancelled { cancelSender(id) }
      }
    } onCancel: {
      cancelSender(id)
    }
  }

  /// The next element, or nil if there will be none or the task is cancelled.
  ///
  /// Only one task at a time may receive.
  package func next() async -> Element? {
    await withTaskCancellationHandler {
      await withCheckedContinuation { (continuation: CheckedContinuation<Element?, Never>) in
        let outcome = state.withLock { Self.receive(continuation, &$0) }
        switch outcome {
        case .element(let element, let sender):
          sender?.continuation.resume(returning: true)
          continuation.resume(returning: element)
        case .end: continuation.resume(returning: nil)
        case .wait: if Task.isCancelled { cancelReceiver() }
        }
      }
    } onCancel: {
      cancelReceiver()
    }
  }

  private enum Reception {
    /// An element, and the sender that its room was given to.
    case element(Element, Sender?)
    case end
    case wait
  }

  private static func receive(
    _ continuation: CheckedContinuation<Element?, Never>,
    _ state: inout State
  ) -> Reception {
    if !state.elements.isEmpty {
      let element = state.elements.removeFirst()
      guard !state.senders.isEmpty else { return .element(element, nil) }
      let sender = state.senders.removeFirst()
      state.elements.append(sender.element)
      return .element(element, sender)
    }
    guard state.phase == .open else { return .end }
    precondition(state.receiver == nil, "two tasks receive from one channel")
    state.receiver = continuation
    return .wait
  }

  /// Says that nothing more will be sent.
  package func finish() { end(.finished) }

  /// Ends the channel on both sides; what nobody has received is dropped.
  package func close() { end(.closed) }

  private func end(_ phase: Phase) {
    let (senders, receiver) = state.withLock { state in
      if state.phase != .closed { state.phase = phase }
      if phase == .closed { state.elements = [] }
      defer { state.senders = [] }
      return (state.senders, state.receiver.take())
    }
    for sender in senders { sender.continuation.resume(returning: false) }
    receiver?.resume(returning: nil)
  }

  /// Takes an element if there is room, or refuses it if there will be none; else nil.
  private static func take(_ element: Element, _ state: inout State, _ capacity: Int) -> Bool? {
    guard state.phase == .open else { return false }
    if let receiver = state.receiver.take() {
      receiver.resume(returning: element)
      return true
    }
    guard state.elements.count < capacity else { return nil }
    state.elements.append(element)
    return true
  }

  private func cancelSender(_ id: UInt64) {
    let sender = state.withLock { state -> Sender? in
      guard let index = state.senders.firstIndex(where: { $0.id == id }) else { return nil }
      return state.senders.remove(at: index)
    }
    sender?.continuation.resume(returning: false)
  }

  private func cancelReceiver() {
    state.withLock { $0.receiver.take() }?.resume(returning: nil)
  }
}
