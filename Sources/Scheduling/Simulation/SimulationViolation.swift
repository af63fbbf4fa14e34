/// A rule that was broken: a defect of the scheduler, or of the simulation.
package struct SimulationViolation: Error, CustomStringConvertible {
  /// Which rule, and where.
  package var description: String

  init(_ description: String) { self.description = description }
}

/// - Throws: ``SimulationViolation`` unless `condition` holds.
func require(
  _ condition: Bool,
  _ rule: @autoclosure () -> String
) throws(SimulationViolation) {
  if !condition { throw SimulationViolation(rule()) }
}
