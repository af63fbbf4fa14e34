/// Which cells were given which prefixes: a guess at what their workers have cached, which nobody
/// has to tell.
///
/// It forgets by age, in two generations: what was used since the last turn, and what was used
/// before. So it holds every prefix that was among the last half of its capacity, and never more
/// than its capacity.
package struct CellPrefixIndex: Sendable {
  /// Cells that a set of bits can name.
  package static let maximumCells = UInt64.bitWidth

  private let generationCapacity: Int
  private var recent: [Int: UInt64] = [:]
  private var former: [Int: UInt64] = [:]

  /// Creates an empty index.
  ///
  /// - Parameter capacity: The most keys, at least 2.
  package init(capacity: Int) {
    precondition(capacity >= 2, "an index has two generations")
    generationCapacity = capacity / 2
  }

  /// Keys that it holds, those of both generations counted twice.
  package var count: Int { recent.count + former.count }

  /// How many leading keys each cell was given, without a gap.
  package func matches(of keys: [Int], cellCount: Int) -> [Int] {
    var matches = [Int](repeating: 0, count: cellCount)
    var cells = UInt64.max
    for (place, key) in keys.enumerated() {
      cells &= recent[key] ?? former[key] ?? 0
      if cells == 0 { break }
      for cell in matches.indices where cells & (1 << UInt64(cell)) != 0 {
        matches[cell] = place + 1
      }
    }
    return matches
  }

  /// Notes that a cell was given a prefix.
  package mutating func insert(_ keys: [Int], cell: Int) {
    // The last first: without its beginning the rest of a prefix is never found.
    for key in keys.reversed() {
      recent[key] = (recent[key] ?? former[key] ?? 0) | 1 << UInt64(cell)
      guard recent.count >= generationCapacity else { continue }
      former = recent
      recent = [:]
    }
  }

  /// Forgets what a cell was given.
  ///
  /// - Complexity: O(capacity).
  package mutating func forget(cell: Int) {
    func rest(_ cells: UInt64) -> UInt64? {
      let others = cells & ~(1 << UInt64(cell))
      return others == 0 ? nil : others
    }
    recent = recent.compactMapValues(rest)
    former = former.compactMapValues(rest)
  }
}
