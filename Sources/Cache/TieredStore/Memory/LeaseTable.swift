/// A lease's number; never used twice in one store's life.
package struct LeaseID: RawRepresentable, Hashable, Sendable {
  package var rawValue: UInt64

  package init(rawValue: UInt64) { self.rawValue = rawValue }
}

/// The leases that are in force, and which ends next.
struct LeaseTable: Sendable {
  struct Lease: Sendable {
    var namespace: NamespaceID
    var deadlineMilliseconds: UInt64
    var blocks: [BlockHandle]
  }

  private struct Deadline: Sendable {
    var milliseconds: UInt64
    var lease: LeaseID
  }

  private var leases: [LeaseID: Lease] = [:]
  /// A binary heap, the earliest first. Deadlines of leases that ended or were extended stay until
  /// they surface.
  private var heap: [Deadline] = []
  private var lastID: UInt64 = 0

  var count: Int { leases.count }
  var all: Dictionary<LeaseID, Lease>.Values { leases.values }

  subscript(lease: LeaseID) -> Lease? { leases[lease] }

  mutating func add(_ lease: Lease) -> LeaseID {
    lastID += 1
    let id = LeaseID(rawValue: lastID)
    leases[id] = lease
    push(Deadline(milliseconds: lease.deadlineMilliseconds, lease: id))
    return id
  }

  mutating func remove(_ lease: LeaseID) -> Lease? { leases.removeValue(forKey: lease) }

  /// Moves the end of a lease that is in force.
  mutating func extend(_ lease: LeaseID, toMilliseconds deadline: UInt64) {
    guard leases[lease] != nil, leases[lease]?.deadlineMilliseconds != deadline else { return }
    leases[lease]?.deadlineMilliseconds = deadline
    push(Deadline(milliseconds: deadline, lease: lease))
  }

  /// Removes a lease whose deadline is not after `now`; nil when there is none.
  mutating func removeExpired(nowMilliseconds now: UInt64) -> Lease? {
    while let next = heap.first, next.milliseconds <= now {
      popFirst()
      if leases[next.lease]?.deadlineMilliseconds == next.milliseconds {
        return leases.removeValue(forKey: next.lease)
      }
    }
    return nil
  }

  // MARK: The heap

  private mutating func push(_ deadline: Deadline) {
    if heap.count > 2 * leases.count + 32 { dropLeftovers() }
    heap.append(deadline)
    siftUp(from: heap.count - 1)
  }

  /// Keeps the heap within a multiple of the leases in force.
  private mutating func dropLeftovers() {
    heap = leases.map { Deadline(milliseconds: $1.deadlineMilliseconds, lease: $0) }
    // A sorted array is a heap.
    heap.sort { $0.milliseconds < $1.milliseconds }
  }

  private mutating func popFirst() {
    heap.swapAt(0, heap.count - 1)
    heap.removeLast()
    var parent = 0
    while true {
      var smallest = parent
      for child in [2 * parent + 1, 2 * parent + 2]
      where child < heap.count && heap[child].milliseconds < heap[smallest].milliseconds {
        smallest = child
      }
      guard smallest != parent else { return }
      heap.swapAt(parent, smallest)
      parent = smallest
    }
  }

  private mutating func siftUp(from start: Int) {
    var child = start
    while child > 0, heap[child].milliseconds < heap[(child - 1) / 2].milliseconds {
      heap.swapAt(child, (child - 1) / 2)
      child = (child - 1) / 2
    }
  }
}
