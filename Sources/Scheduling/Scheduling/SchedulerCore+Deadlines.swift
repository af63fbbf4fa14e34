import MeshTypes

/// Sequences whose clients do not wait for ever.
extension SchedulerCore {
  /// Tells what time it is. Without deadlines nobody needs to.
  ///
  /// - Parameter microseconds: Not before what was told last.
  /// - Returns: Failures with `deadlineExceeded`: whoever has not ended in time ends, and frees what it
  ///   holds.
  package mutating func advance(to microseconds: Int) -> [SequenceEvent] {
    now = max(now, microseconds)
    var events: [SequenceEvent] = []
    while let id = deadlines.next(at: now) {
      guard let slot = sequences.slot(of: id), sequences[slot].deadline.map({ $0 <= now }) == true
      else { continue }
      events.append(fail(slot, MeshError(.deadlineExceeded, "the deadline has passed")))
    }
    return events
  }

  /// Notes when a sequence must have ended, if it must.
  mutating func note(_ deadline: Int?, of id: SequenceID) {
    guard let deadline else { return }
    deadlines.add(id, at: deadline)
    // Most sequences end long before; what is kept of them is bounded by those that live.
    guard deadlines.count > 64 + 2 * sequences.count else { return }
    deadlines.compact { sequences.slot(of: $0) != nil }
  }
}
