/// The sets of configurations that an automaton can be in, found as they are needed, and the ways
/// between them by each byte: a deterministic automaton that is built while it runs.
///
/// A set is complete: it holds configurations that read a byte, and ``Configuration/exit`` where the
/// outermost rule may end. What a set leads to depends on the set alone, never on what was asked
/// before.
struct ConfigurationTable: Sendable {
  /// A set's number.
  typealias SetID = Int32

  /// The set without configurations: no text leads on from here.
  static let dead: SetID = 0
  private static let unknown: SetID = -1

  let grammar: Grammar
  private(set) var stacks = StackTable()
  /// The class of each byte, and their number: the grammar's.
  private let classes: [UInt8]
  private let classCount: Int
  /// By set: where its configurations are.
  private var ranges: [Range<Int>] = []
  /// By set: the depth of its deepest stack, doubled, and 1 more where the outermost rule may end.
  private var marks: [Int32] = []
  private var configurations: [Configuration] = []
  private var ids: [[Configuration]: SetID] = [:]
  /// By set and byte class.
  private var ways: [SetID] = []
  /// The set in which a text begins.
  private(set) var start: SetID = 0
  private var closing = Closing()
  /// Configurations visited since ``beginWork()``.
  private var workUnits = 0

  init(_ grammar: Grammar) {
    self.grammar = grammar
    classes = grammar.classes.classes
    classCount = grammar.classes.count
    _ = intern([])
    closing.pending.append(Configuration(grammar.automaton.start, StackTable.empty))
    start = close()
  }

  /// Counts work from here on.
  mutating func beginWork() { workUnits = 0 }

  /// Whether there was too much work: all sets found since then are dead, and not remembered as such.
  var isExhausted: Bool { workUnits > grammar.limits.maskWorkUnits }

  /// The memory that the table takes, about.
  var byteCount: Int {
    ways.count * 4 + configurations.count * 24 + ranges.count * 120 + stacks.count * 40
  }

  /// Whether a text may end in a set.
  @inline(__always)
  func hasExit(_ set: SetID) -> Bool { marks[Int(set)] & 1 == 1 }

  /// The depth of a set's deepest stack.
  @inline(__always)
  func depth(of set: SetID) -> Int { Int(marks[Int(set)] >> 1) }

  /// A set's configurations, ascending, without ``Configuration/exit``.
  func members(of set: SetID) -> ArraySlice<Configuration> {
    configurations[ranges[Int(set)]]
  }

  /// The set that a byte leads to.
  @inline(__always)
  mutating func next(_ set: SetID, _ byte: UInt8) -> SetID {
    let way = Int(set) * classCount + Int(classes[Int(byte)])
    let known = ways[way]
    return known != Self.unknown ? known : findNext(set, byte, way)
  }

  @inline(never)
  private mutating func findNext(_ set: SetID, _ byte: UInt8, _ way: Int) -> SetID {
    guard !isExhausted else { return Self.dead }
    let automaton = grammar.automaton
    workUnits += members(of: set).count
    for configuration in members(of: set) {
      guard case .bytes(let range) = automaton.states[Int(configuration.state)] else { continue }
      for index in range where automaton.edges[Int(index)].low <= byte {
        let edge = automaton.edges[Int(index)]
        guard byte <= edge.high else { continue }
        closing.pending.append(Configuration(edge.target, configuration.stack))
        break
      }
    }
    let next = close()
    if !isExhausted { ways[way] = next }
    return next
  }

  /// The set of some of the states that read bytes, on a stack.
  mutating func set(of states: some Sequence<Automaton.StateID>, on stack: StackTable.StackID)
    -> SetID
  {
    closing.pending += states.map { Configuration($0, stack) }
    return close()
  }

  /// The set in which a rule that was called with `stack` on the stack has ended.
  mutating func set(returningTo stack: StackTable.StackID) -> SetID {
    let (state, rest) = stacks.pop(stack)
    closing.pending.append(Configuration(state, rest))
    return close()
  }
}

// MARK: Completing sets

extension ConfigurationTable {
  /// What completing a set needs, kept for the next.
  private struct Closing: Sendable {
    var pending: [Configuration] = []
    var seen: Set<Configuration> = []
    var found: [Configuration] = []
  }

  /// Follows all ways that read nothing from the pending configurations.
  ///
  /// Stacks beyond the limit are left out; a set with too many configurations is dead.
  private mutating func close() -> SetID {
    defer {
      workUnits += closing.seen.count
      closing.pending.removeAll(keepingCapacity: true)
      closing.seen.removeAll(keepingCapacity: true)
      closing.found.removeAll(keepingCapacity: true)
    }
    let limit = grammar.limits.configurations
    while let configuration = closing.pending.popLast() {
      guard closing.seen.insert(configuration).inserted else { continue }
      guard closing.found.count <= limit, closing.seen.count <= 16 * limit else { return Self.dead }
      follow(configuration)
    }
    closing.found.sort()
    return intern(closing.found)
  }

  private mutating func follow(_ configuration: Configuration) {
    let automaton = grammar.automaton
    let stack = configuration.stack
    switch automaton.states[Int(configuration.state)] {
    case .bytes(let edges):
      if !edges.isEmpty { closing.found.append(configuration) }
    case .split(let targets):
      for index in targets {
        closing.pending.append(Configuration(automaton.targets[Int(index)], stack))
      }
    case .call(let rule, let next):
      guard stacks.depth(of: stack) < grammar.limits.stackDepth else { return }
      let pushed = stacks.push(next, onto: stack)
      closing.pending.append(Configuration(automaton.entries[Int(rule)], pushed))
    case .tailCall(let rule):
      closing.pending.append(Configuration(automaton.entries[Int(rule)], stack))
    case .end:
      if stack == StackTable.empty {
        closing.found.append(.exit)
      } else {
        let (state, rest) = stacks.pop(stack)
        closing.pending.append(Configuration(state, rest))
      }
    }
  }

  /// The number of a set.
  private mutating func intern(_ sorted: [Configuration]) -> SetID {
    if let id = ids[sorted] { return id }
    let hasExit = sorted.last == .exit
    let members = hasExit ? sorted.dropLast() : sorted[...]
    let first = configurations.count
    configurations += members
    ranges.append(first..<configurations.count)
    let depth = members.reduce(0) { max($0, stacks.depth(of: $1.stack)) }
    marks.append(Int32(depth) << 1 | (hasExit ? 1 : 0))
    let id = SetID(ranges.count - 1)
    ids[sorted] = id
    let way = id == Self.dead ? Self.dead : Self.unknown
    ways += repeatElement(way, count: classCount)
    return id
  }
}
