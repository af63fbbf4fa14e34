/// A state that reads bytes, and the stack of states to return to.
struct Configuration: Hashable, Comparable, Sendable {
  /// The stack in the upper half, so that configurations with the same stack are neighbours.
  private let packed: UInt64

  init(_ state: Automaton.StateID, _ stack: StackTable.StackID) {
    packed = UInt64(UInt32(bitPattern: stack)) << 32 | UInt64(UInt32(bitPattern: state))
  }

  /// Says that the outermost rule may end here; greater than all others.
  static let exit = Self(-1, -1)

  var state: Automaton.StateID { Automaton.StateID(truncatingIfNeeded: packed) }
  var stack: StackTable.StackID { StackTable.StackID(truncatingIfNeeded: packed >> 32) }

  static func < (one: Self, other: Self) -> Bool { one.packed < other.packed }
}
