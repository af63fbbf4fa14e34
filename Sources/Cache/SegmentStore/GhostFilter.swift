import BlockCache

/// The last keys that were offered and not written: what admission on the second hit remembers.
///
/// A ring of fingerprints, the oldest forgotten first. Two keys with one fingerprint cost a write
/// too early, nothing else.
struct GhostFilter: Sendable {
  private let capacity: Int
  private var ring: [Int] = []
  private var oldest = 0
  private var remembered: Set<Int> = []

  /// Creates a filter that remembers `capacity` keys.
  init(capacity: Int) {
    precondition(capacity > 0, "a filter remembers at least one key")
    self.capacity = capacity
  }

  /// Forgets the key if it is remembered, remembers it otherwise.
  ///
  /// - Returns: Whether it was remembered: this is its second hit.
  mutating func admit(_ key: BlockKey) -> Bool {
    let fingerprint = key.hashValue
    if remembered.remove(fingerprint) != nil { return true }
    remembered.insert(fingerprint)
    if ring.count < capacity {
      ring.append(fingerprint)
    } else {
      // An admitted key leaves its place behind; if the key came again meanwhile, it is forgotten
      // early.
      remembered.remove(ring[oldest])
      ring[oldest] = fingerprint
      oldest = (oldest + 1) % capacity
    }
    return false
  }
}
