/// A pushdown automaton over bytes.
///
/// A rule is a non-deterministic automaton of its own, whose states may call others: the state after
/// the call is pushed, and popped where the called rule ends. All rules end in state 0.
struct Automaton: Sendable {
  /// A state's number.
  typealias StateID = Int32

  /// What a state does.
  enum State: Hashable, Sendable {
    /// The rule ends.
    case end
    /// Reads a byte: ``Automaton/edges`` in a range, apart from each other.
    case bytes(Range<Int32>)
    /// Goes on in each of ``Automaton/targets`` in a range, without reading.
    case split(Range<Int32>)
    /// Goes on in a rule, and then in a state.
    case call(rule: Int32, return: StateID)
    /// Goes on in a rule, with which this one ends too.
    case tailCall(rule: Int32)
  }

  /// A byte's way out of a state.
  struct Edge: Hashable, Sendable {
    var low: UInt8
    var high: UInt8
    var target: StateID
  }

  static let end: StateID = 0

  var states: [State] = [.end]
  var edges: [Edge] = []
  var targets: [StateID] = []
  /// Where each rule begins.
  var entries: [StateID] = []
  /// Where the text begins.
  var start: StateID = 0
}
