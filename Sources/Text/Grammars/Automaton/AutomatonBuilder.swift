import MeshTypes

/// Builds the automaton of rules, from their ends to their beginnings.
struct AutomatonBuilder {
  private typealias StateID = Automaton.StateID
  private var automaton = Automaton()
  private var budget: GrammarBudget

  private init(_ budget: GrammarBudget) { self.budget = budget }

  /// Builds an automaton.
  ///
  /// - Throws: `MeshError` `outOfRange` where it would have too many states.
  static func build(root: Expression, rules: GrammarRules) throws(MeshError) -> Automaton {
    var builder = Self(rules.budget)
    for expression in rules.expressions {
      let entry = try builder.add(expression ?? .choice([]), before: Automaton.end)
      builder.automaton.entries.append(entry)
    }
    builder.automaton.start = try builder.add(root, before: Automaton.end)
    return builder.automaton
  }

  private mutating func append(_ state: Automaton.State) throws(MeshError) -> StateID {
    guard automaton.states.count < budget.limits.states else {
      throw budget.exceeded("states", budget.limits.states)
    }
    automaton.states.append(state)
    return StateID(automaton.states.count - 1)
  }

  private mutating func split(_ targets: [StateID]) throws(MeshError) -> StateID {
    if targets.count == 1 { return targets[0] }
    let first = Int32(automaton.targets.count)
    automaton.targets += targets
    return try append(.split(first..<Int32(automaton.targets.count)))
  }

  private mutating func bytes(_ edges: [Automaton.Edge]) throws(MeshError) -> StateID {
    let first = Int32(automaton.edges.count)
    automaton.edges += edges
    return try append(.bytes(first..<Int32(automaton.edges.count)))
  }

  /// Adds states that read an expression and then go on in `next`.
  private mutating func add(
    _ expression: Expression,
    before next: StateID
  ) throws(MeshError) -> StateID {
    try budget.spend()
    switch expression {
    case .bytes(let text):
      var entry = next
      for byte in text.reversed() {
        entry = try bytes([Automaton.Edge(low: byte, high: byte, target: entry)])
      }
      return entry
    case .scalars(let set):
      try budget.spend(set.ranges.count)
      var known: [ArraySlice<[ScalarSet.Bytes]>: StateID] = [:]
      return try add(set.utf8Alternatives[...], from: 0, before: next, &known)
    case .sequence(let parts):
      var entry = next
      for part in parts.reversed() { entry = try add(part, before: entry) }
      return entry
    case .choice(let alternatives):
      var entries: [StateID] = []
      for alternative in alternatives { entries.append(try add(alternative, before: next)) }
      return try split(entries)
    case .repetition(let part, let minimum, let maximum):
      return try addRepetition(of: part, minimum, maximum, before: next)
    case .rule(let rule):
      return try append(
        next == Automaton.end
          ? .tailCall(rule: Int32(rule.index)) : .call(rule: Int32(rule.index), return: next)
      )
    }
  }

  private mutating func addRepetition(
    of part: Expression,
    _ minimum: Int,
    _ maximum: Int?,
    before next: StateID
  ) throws(MeshError) -> StateID {
    var entry = next
    if let maximum {
      for _ in 0..<max(0, maximum - minimum) {
        entry = try split([try add(part, before: entry), next])
      }
    } else {
      // The loop's state is known before its body.
      entry = try append(.end)
      let first = Int32(automaton.targets.count)
      automaton.targets += [next, next]
      automaton.states[Int(entry)] = .split(first..<(first + 2))
      automaton.targets[Int(first)] = try add(part, before: entry)
    }
    for _ in 0..<minimum { entry = try add(part, before: entry) }
    return entry
  }

  /// Adds states for the bytes of `alternatives` from their byte `index` on.
  private mutating func add(
    _ alternatives: ArraySlice<[ScalarSet.Bytes]>,
    from index: Int,
    before next: StateID,
    _ known: inout [ArraySlice<[ScalarSet.Bytes]>: StateID]
  ) throws(MeshError) -> StateID {
    let suffixes = ArraySlice(alternatives.map { Array($0[index...]) })
    if let state = known[suffixes] { return state }
    var edges: [Automaton.Edge] = []
    var rest = alternatives
    while let first = rest.first {
      let group = rest.prefix { $0[index] == first[index] }
      rest = rest.dropFirst(group.count)
      let isLast = first.count == index + 1
      let target = isLast ? next : try add(group, from: index + 1, before: next, &known)
      let (low, high) = (first[index].lowerBound, first[index].upperBound)
      if let last = edges.last, last.target == target, last.high + 1 == low {
        edges[edges.count - 1].high = high
      } else {
        edges.append(Automaton.Edge(low: low, high: high, target: target))
      }
    }
    let state = try bytes(edges)
    known[suffixes] = state
    return state
  }
}
