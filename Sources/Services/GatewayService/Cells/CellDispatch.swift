/// A request that was given to a cell.
package struct CellDispatch: Hashable, Sendable {
  /// Unique in its router.
  let number: UInt64
  /// The cell's place in the settings.
  package let cell: Int
}
