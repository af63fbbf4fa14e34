/// Fingerprints of entries that went not long ago, the oldest forgotten first, within a number of
/// bytes that their entries had.
struct GhostQueue: Sendable {
  private struct Ghost: Sendable {
    var fingerprint: UInt64
    /// Tells a ghost from an earlier one of the same entry.
    var number: UInt64
  }

  private struct Remembered: Sendable {
    var number: UInt64
    var byteCount: Int
  }

  /// In order of arrival from `first` on. Ghosts that came back stay here as leftovers.
  private var order: [Ghost] = []
  private var first = 0
  private var remembered: [UInt64: Remembered] = [:]
  private var nextNumber: UInt64 = 0
  /// The sizes of the remembered entries, added up.
  private(set) var totalBytes = 0

  /// The number of entries remembered.
  var count: Int { remembered.count }

  /// Remembers an entry as the newest, and forgets the oldest beyond `limitBytes`.
  mutating func remember(_ fingerprint: UInt64, byteCount: Int, limitBytes: Int) {
    _ = take(fingerprint)
    remembered[fingerprint] = Remembered(number: nextNumber, byteCount: byteCount)
    order.append(Ghost(fingerprint: fingerprint, number: nextNumber))
    nextNumber += 1
    totalBytes += byteCount
    while totalBytes > limitBytes, first < order.count { forgetOldest() }
    compact()
  }

  /// Forgets an entry because it came back.
  ///
  /// - Returns: Whether it was remembered.
  mutating func take(_ fingerprint: UInt64) -> Bool {
    guard let ghost = remembered.removeValue(forKey: fingerprint) else { return false }
    totalBytes -= ghost.byteCount
    return true
  }

  private mutating func forgetOldest() {
    let ghost = order[first]
    first += 1
    if remembered[ghost.fingerprint]?.number == ghost.number { _ = take(ghost.fingerprint) }
  }

  /// Keeps leftovers at most as many as the remembered, give or take a few.
  private mutating func compact() {
    guard order.count > 2 * count + 32 else { return }
    order = order[first...].filter { remembered[$0.fingerprint]?.number == $0.number }
    first = 0
  }

  /// Whether the sums are right and every remembered entry has its place in the order.
  var isConsistent: Bool {
    let live = order[first...].filter { remembered[$0.fingerprint]?.number == $0.number }
    return live.count == count && remembered.values.reduce(0) { $0 + $1.byteCount } == totalBytes
  }
}
