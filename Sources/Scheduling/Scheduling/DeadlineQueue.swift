import MeshTypes

/// Deadlines of sequences, the next one first; those of sequences that have ended stay until then.
struct DeadlineQueue: Sendable {
  private struct Entry: Sendable {
    var deadline: Int
    var sequence: SequenceID
  }

  /// Latest first: most deadlines are set in the order in which they come, so few move on insertion.
  private var entries: [Entry] = []

  mutating func add(_ sequence: SequenceID, at deadline: Int) {
    var low = 0
    var high = entries.count
    while low < high {
      let middle = (low + high) / 2
      if entries[middle].deadline > deadline { low = middle + 1 } else { high = middle }
    }
    entries.insert(Entry(deadline: deadline, sequence: sequence), at: low)
  }

  /// The next sequence whose deadline is not after `time`.
  mutating func next(at time: Int) -> SequenceID? {
    guard let last = entries.last, last.deadline <= time else { return nil }
    entries.removeLast()
    return last.sequence
  }
}
