/// The stacks of an automaton's configurations, each stored once: a stack is a return state on top of
/// another stack. Stack 0 is empty.
struct StackTable: Sendable {
  typealias StackID = Int32

  static let empty: StackID = 0

  private struct Stack: Sendable {
    var returnState: Automaton.StateID
    var rest: StackID
    var depth: Int32
  }

  private var stacks: [Stack] = [Stack(returnState: -1, rest: -1, depth: 0)]
  private var ids: [UInt64: StackID] = [:]

  var count: Int { stacks.count }

  /// How many return states a stack has.
  func depth(of stack: StackID) -> Int { Int(stacks[Int(stack)].depth) }

  /// The top of a stack that is not empty, and what lies under it.
  func pop(_ stack: StackID) -> (returnState: Automaton.StateID, rest: StackID) {
    let stack = stacks[Int(stack)]
    return (stack.returnState, stack.rest)
  }

  mutating func push(_ state: Automaton.StateID, onto rest: StackID) -> StackID {
    let key = UInt64(UInt32(bitPattern: rest)) << 32 | UInt64(UInt32(bitPattern: state))
    if let id = ids[key] { return id }
    let id = StackID(stacks.count)
    stacks.append(Stack(returnState: state, rest: rest, depth: stacks[Int(rest)].depth + 1))
    ids[key] = id
    return id
  }
}
