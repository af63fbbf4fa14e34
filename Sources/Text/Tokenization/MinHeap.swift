/// A binary heap of integers, the smallest on top.
struct MinHeap {
  private var elements: [UInt64] = []

  /// Empties the heap and keeps its memory.
  mutating func removeAll() { elements.removeAll(keepingCapacity: true) }

  /// Adds an element without keeping the order; call ``heapify()`` after the last one. O(1).
  mutating func append(_ element: UInt64) { elements.append(element) }

  /// Restores the order. O(n).
  mutating func heapify() {
    for index in stride(from: elements.count / 2 - 1, through: 0, by: -1) { siftDown(index) }
  }

  /// Adds an element. O(log n).
  mutating func push(_ element: UInt64) {
    var hole = elements.count
    elements.append(element)
    while hole > 0 {
      let parent = (hole - 1) / 2
      guard element < elements[parent] else { break }
      elements[hole] = elements[parent]
      hole = parent
    }
    elements[hole] = element
  }

  /// Removes and returns the smallest element. O(log n).
  mutating func popMinimum() -> UInt64? {
    guard let last = elements.popLast() else { return nil }
    guard let first = elements.first else { return last }
    elements[0] = last
    siftDown(0)
    return first
  }

  private mutating func siftDown(_ start: Int) {
    let element = elements[start]
    var hole = start
    while true {
      var child = 2 * hole + 1
      guard child < elements.count else { break }
      if child + 1 < elements.count && elements[child + 1] < elements[child] { child += 1 }
      guard elements[child] < element else { break }
      elements[hole] = elements[child]
      hole = child
    }
    elements[hole] = element
  }
}
