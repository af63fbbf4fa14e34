import MeshTypes

/// Deadlines of sequences, the next one first; those of sequences that have ended stay until then, or
/// until ``compact(keeping:)``.
struct DeadlineQueue: Sendable {
  private struct Entry: Sendable, Comparable {
    var deadline: Int
    var sequence: SequenceID

    static func < (lhs: Self, rhs: Self) -> Bool {
      (lhs.deadline, lhs.sequence) < (rhs.deadline, rhs.sequence)
    }
  }

  /// A binary heap: an entry is not after those at twice its place + 1 and + 2.
  private var entries: [Entry] = []

  var count: Int { entries.count }

  /// - Complexity: O(log deadlines).
  mutating func add(_ sequence: SequenceID, at deadline: Int) {
    entries.append(Entry(deadline: deadline, sequence: sequence))
    var place = entries.count - 1
    while place > 0, entries[place] < entries[(place - 1) / 2] {
      entries.swapAt(place, (place - 1) / 2)
      place = (place - 1) / 2
    }
  }

  /// The next sequence whose deadline is not after `time`.
  ///
  /// - Complexity: O(log deadlines).
  mutating func next(at time: Int) -> SequenceID? {
    guard let first = entries.first, first.deadline <= time else { return nil }
    entries.swapAt(0, entries.count - 1)
    entries.removeLast()
    sink()
    return first.sequence
  }

  /// Forgets the deadlines of sequences that have ended.
  mutating func compact(keeping isAlive: (SequenceID) -> Bool) {
    // In order they are a heap.
    entries = entries.filter { isAlive($0.sequence) }.sorted()
  }

  /// Puts the first entry where it belongs.
  private mutating func sink() {
    var place = 0
    while true {
      var least = place
      for child in 2 * place + 1...2 * place + 2
      where child < entries.count && entries[child] < entries[least] {
        least = child
      }
      guard least != place else { return }
      entries.swapAt(least, place)
      place = least
    }
  }
}
