import MeshTypes

/// A token that may be drawn.
struct Candidate {
  var id: TokenID
  var logit: Float
  var weight: Double

  /// Most likely first, the lowest id among equals: no two are equal.
  func comesBefore(_ other: Self) -> Bool {
    logit != other.logit ? logit > other.logit : id < other.id
  }
}

/// Candidates, sorted only as far as is asked for, in place.
///
/// A heap with the first on top; what is taken off it stands behind it, in reverse order.
struct CandidateHeap {
  private var elements: [Candidate] = []
  /// Candidates that have been taken off the heap.
  private(set) var sortedCount = 0

  var count: Int { elements.count }

  mutating func reserve(_ capacity: Int) { elements.reserveCapacity(capacity) }

  /// Empties it, and keeps the room.
  mutating func removeAll() {
    elements.removeAll(keepingCapacity: true)
    sortedCount = 0
  }

  /// Adds a candidate; to be followed by ``order()``.
  mutating func append(_ candidate: Candidate) { elements.append(candidate) }

  /// Makes a heap of the candidates.
  mutating func order() {
    sortedCount = 0
    for parent in stride(from: count / 2 - 1, through: 0, by: -1) { sink(parent) }
  }

  /// Sorts one more candidate, and returns it; nil if all are sorted.
  mutating func sortNext() -> Candidate? {
    guard sortedCount < count else { return nil }
    sortedCount += 1
    elements.swapAt(0, count - sortedCount)
    sink(0)
    return elements[count - sortedCount]
  }

  /// A sorted candidate by its rank.
  subscript(rank: Int) -> Candidate {
    precondition(rank < sortedCount, "not sorted so far")
    return elements[count - 1 - rank]
  }

  /// Moves an element of the heap down to where it belongs.
  private mutating func sink(_ index: Int) {
    let heapCount = count - sortedCount
    var parent = index
    while true {
      var first = parent
      for child in 2 * parent + 1..<2 * parent + 3 where child < heapCount {
        if elements[child].comesBefore(elements[first]) { first = child }
      }
      guard first != parent else { return }
      elements.swapAt(parent, first)
      parent = first
    }
  }
}
