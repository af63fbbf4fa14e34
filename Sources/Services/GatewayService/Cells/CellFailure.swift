package import GRPCCore

/// A submission that a scheduler has refused, or that it could not bring to its end.
package struct CellFailure: Error, Sendable {
  /// The cell; nil if there was none to submit to.
  package var cell: Int?
  /// What the scheduler, or the way to it, said.
  package var error: RPCError
  /// Whether another cell can have the request at once.
  package var hasAlternative: Bool

  /// Creates a failure.
  package init(cell: Int?, error: RPCError, hasAlternative: Bool) {
    self.cell = cell
    self.error = error
    self.hasAlternative = hasAlternative
  }
}
