/// Events by the time at which they happen; those of one time in the order in which they were added.
package struct EventQueue<Event> {
  private struct Entry {
    var time: Int
    var number: UInt64
    var event: Event

    func isBefore(_ other: Self) -> Bool { (time, number) < (other.time, other.number) }
  }

  /// A binary heap.
  private var entries: [Entry] = []
  private var nextNumber: UInt64 = 0

  /// Whether nothing is going to happen.
  package var isEmpty: Bool { entries.isEmpty }

  /// An empty queue.
  package init() {}

  /// Adds an event.
  package mutating func add(_ event: Event, at time: Int) {
    entries.append(Entry(time: time, number: nextNumber, event: event))
    nextNumber += 1
    var child = entries.count - 1
    while child > 0, entries[child].isBefore(entries[(child - 1) / 2]) {
      entries.swapAt(child, (child - 1) / 2)
      child = (child - 1) / 2
    }
  }

  /// Takes the next event out.
  package mutating func next() -> (time: Int, event: Event)? {
    guard let first = entries.first, let last = entries.popLast() else { return nil }
    guard !entries.isEmpty else { return (first.time, first.event) }
    entries[0] = last
    var parent = 0
    while true {
      var least = parent
      for child in 2 * parent + 1...2 * parent + 2
      where child < entries.count && entries[child].isBefore(entries[least]) {
        least = child
      }
      guard least != parent else { break }
      entries.swapAt(parent, least)
      parent = least
    }
    return (first.time, first.event)
  }
}
