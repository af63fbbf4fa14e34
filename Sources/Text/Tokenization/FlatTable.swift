/// A hash table from 64-bit keys to 64-bit values: open addressing in one array, built once and
/// then only read.
///
/// A lookup touches one cache line nearly always, which a general dictionary does not.
struct FlatTable: Sendable {
  private struct Entry {
    var key: UInt64
    var value: UInt64
  }

  /// Marks a free place; no key may have this value.
  private static let vacant = UInt64.max

  private var entries: [Entry]
  private let mask: Int

  /// Creates an empty table with room for `capacity` keys.
  init(capacity: Int) {
    // At most half full, so that runs of taken places stay short.
    var places = 16
    while places < capacity * 2 { places *= 2 }
    entries = Array(repeating: Entry(key: Self.vacant, value: 0), count: places)
    mask = places - 1
  }

  /// The value of `key`, or nil.
  @inline(__always)
  subscript(key: UInt64) -> UInt64? {
    var place = start(of: key)
    while true {
      let entry = entries[place]
      if entry.key == key { return entry.value }
      if entry.key == Self.vacant { return nil }
      place = (place + 1) & mask
    }
  }

  /// Adds `key`, unless it is there already: the first value stays.
  ///
  /// - Precondition: Fewer keys than the capacity have been added; `key` is not `UInt64.max`.
  mutating func insertIfAbsent(_ key: UInt64, _ value: UInt64) {
    precondition(key != Self.vacant)
    var place = start(of: key)
    while entries[place].key != Self.vacant {
      if entries[place].key == key { return }
      place = (place + 1) & mask
    }
    entries[place] = Entry(key: key, value: value)
  }

  /// Where the search for `key` begins; mixes all of its bits (the finaliser of SplitMix64).
  @inline(__always)
  private func start(of key: UInt64) -> Int {
    var bits = (key ^ (key >> 30)) &* 0xBF58_476D_1CE4_E5B9
    bits = (bits ^ (bits >> 27)) &* 0x94D0_49BB_1331_11EB
    return Int(truncatingIfNeeded: bits ^ (bits >> 31)) & mask
  }
}
