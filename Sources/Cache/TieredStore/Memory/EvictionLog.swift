package import BlockCache

/// A block that is not here any more.
package struct Eviction: Hashable, Sendable {
  /// Why it went.
  package enum Reason: String, Hashable, Sendable, CaseIterable {
    /// Another block of about its size needed the room.
    case capacity
    /// Its namespace was at its quota and stored another block.
    case quota
    /// Its slab was emptied for blocks of another size.
    case slab
    /// It goes down to the next tier.
    case demotion
    /// Its bytes failed their checksum.
    case corruption
    /// Somebody asked for it.
    case removal
  }

  /// 1, 2, 3, … in the order in which blocks went.
  package var sequence: UInt64
  package var namespace: NamespaceID
  package var key: BlockKey
  package var byteCount: Int
  package var reason: Reason
}

/// The latest evictions, for those who watch them.
package struct EvictionLog: Sendable {
  /// Some evictions in order.
  package struct Page: Sendable {
    package var evictions: [Eviction]
    /// Evictions that were asked for and are forgotten already: the watcher was too slow.
    package var missedCount: UInt64
    /// Where to read on: the last sequence number read.
    package var lastSequence: UInt64
  }

  /// The most evictions remembered.
  package let capacity: Int
  /// The sequence number of the latest eviction; 0 when there was none.
  package private(set) var lastSequence: UInt64 = 0
  /// Eviction `n` is at `(n - 1) % capacity`.
  private var ring: [Eviction] = []

  init(capacity: Int) { self.capacity = capacity }

  /// Adds an eviction, with the next sequence number.
  mutating func append(
    _ stored: StoredKey,
    byteCount: Int,
    reason: Eviction.Reason
  ) -> Eviction {
    lastSequence += 1
    let eviction = Eviction(
      sequence: lastSequence,
      namespace: stored.namespace,
      key: stored.key,
      byteCount: byteCount,
      reason: reason
    )
    if ring.count < capacity {
      ring.append(eviction)
    } else {
      ring[Int((lastSequence - 1) % UInt64(capacity))] = eviction
    }
    return eviction
  }

  /// The evictions that follow number `sequence`, at most `limit`.
  package func evictions(after sequence: UInt64, limit: Int) -> Page {
    let oldest = lastSequence - UInt64(ring.count) + 1
    let from = min(sequence, lastSequence) + 1
    let first = max(from, oldest)
    let count = min(UInt64(max(limit, 0)), lastSequence + 1 - first)
    let found = (first..<first + count).map { ring[Int(($0 - 1) % UInt64(capacity))] }
    return Page(
      evictions: found,
      missedCount: first - from,
      lastSequence: first + count - 1
    )
  }
}
