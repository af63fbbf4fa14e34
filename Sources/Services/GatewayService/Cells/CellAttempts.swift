import GRPCCore
package import MeshRuntime

/// How often one request was submitted, and whether it may be again.
package struct CellAttempts: Sendable {
  /// The most submissions of a request.
  private static let maximumSubmissions = 20

  /// Cells that had no room for it.
  package private(set) var refusing: Set<Int> = []
  /// The cell that could not go on with it last.
  private var failed: Int?
  private var submissions = 1
  private var backoff: Backoff

  /// Begins with the first submission.
  ///
  /// - Parameter backoff: How long to wait before the next ones.
  package init(backoff: Backoff = Backoff()) { self.backoff = backoff }

  /// Cells that get the next submission only if no other can: what has just failed may answer its
  /// status all the same.
  package var avoided: Set<Int> { failed.map { refusing.union([$0]) } ?? refusing }

  /// Takes in that a submission has failed.
  ///
  /// - Parameters:
  ///   - failure: How.
  ///   - remaining: The time that is left for the request.
  /// - Returns: How long to wait before the next submission; nil if there is to be none.
  package mutating func pause(
    after failure: CellFailure,
    remaining: Duration,
    using generator: inout some RandomNumberGenerator
  ) -> Duration? {
    switch failure.error.code {
    case .resourceExhausted:
      guard let cell = failure.cell, failure.hasAlternative, refusing.isEmpty else { return nil }
      refusing.insert(cell)
      return .zero
    case .unavailable:
      submissions += 1
      failed = failure.cell
      guard submissions <= Self.maximumSubmissions else { return nil }
      let pause = failure.hasAlternative ? .zero : backoff.delay(using: &generator)
      return pause < remaining ? pause : nil
    default: return nil
    }
  }
}
