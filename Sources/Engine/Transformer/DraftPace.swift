/// How much a sequence is guessed, by how its guesses turn out: each costs the time of a row, and saves
/// that of a step if it is right.
///
/// While guesses are right they become more, up to what is allowed; where hardly any is, there are
/// none for a while, and longer each time.
package struct DraftPace: Hashable, Sendable {
  private static let pauses = 8...128
  /// A step takes the time of about this many rows, and that of its rows.
  private static let rowsOfStep = 4.0

  /// The most guesses next time.
  private var length = 2
  /// The share of guesses that were right, the last ones above all.
  private var share = 0.5
  /// Slices without guesses still to come.
  private var pause = 0
  private var nextPause = pauses.lowerBound

  /// A sequence that nothing is known of.
  package init() {}

  /// How many guesses the next slice is worth.
  ///
  /// - Parameter limit: The most that it may have.
  package mutating func next(limit: Int) -> Int {
    guard pause == 0 else {
      pause -= 1
      return 0
    }
    return min(length, limit)
  }

  /// Learns how the guesses of a slice turned out.
  ///
  /// - Parameter sequences: How many sequences the step computes: all of them wait for each guess, and
  ///   one of them is a token ahead if it is right.
  package mutating func observe(drafted: Int, accepted: Int, sequences: Int = 1) {
    guard drafted > 0 else { return }
    // Below this share of right guesses they cost more than they save.
    let leastShare = Double(sequences) / (Double(sequences) + Self.rowsOfStep)
    share += 0.25 * (Double(accepted) / Double(drafted) - share)
    if accepted == drafted {
      length = min(2 * max(length, drafted), 64)
      nextPause = Self.pauses.lowerBound
    } else {
      length = max(1, accepted + 1)
    }
    guard share < leastShare else { return }
    pause = nextPause
    nextPause = min(2 * nextPause, Self.pauses.upperBound)
    // One or two more that are wrong, and it pauses again.
    share = leastShare + 0.1
    length = 1
  }
}
