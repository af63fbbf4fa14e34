/// What can be said of an automaton before it reads anything.
struct AutomatonAnalysis {
  private let automaton: Automaton
  /// States from which the end of their rule can be reached.
  private(set) var isProductive: [Bool]
  /// Rules that have the empty text.
  private(set) var isNullable: [Bool]

  init(_ automaton: Automaton) {
    self.automaton = automaton
    isProductive = Array(repeating: false, count: automaton.states.count)
    isNullable = Array(repeating: false, count: automaton.entries.count)
    findProductive()
    findNullable()
  }

  /// The states that a state is productive through, each of a list is enough; a call needs two.
  private func supporters(of state: Automaton.State) -> [Automaton.StateID] {
    switch state {
    case .end: []
    case .bytes(let range):
      automaton.edges[Int(range.lowerBound)..<Int(range.upperBound)].map(\.target)
    case .split(let range):
      Array(automaton.targets[Int(range.lowerBound)..<Int(range.upperBound)])
    case .call(let rule, let next): [automaton.entries[Int(rule)], next]
    case .tailCall(let rule): [automaton.entries[Int(rule)]]
    }
  }

  private mutating func findProductive() {
    var dependents: [[Int32]] = Array(repeating: [], count: automaton.states.count)
    for (index, state) in automaton.states.enumerated() {
      for supporter in supporters(of: state) { dependents[Int(supporter)].append(Int32(index)) }
    }
    var pending: [Int32] = [Automaton.end]
    isProductive[0] = true
    while let state = pending.popLast() {
      for dependent in dependents[Int(state)] where !isProductive[Int(dependent)] {
        if case .call(let rule, let next) = automaton.states[Int(dependent)] {
          guard isProductive[Int(next)], isProductive[Int(automaton.entries[Int(rule)])] else {
            continue
          }
        }
        isProductive[Int(dependent)] = true
        pending.append(dependent)
      }
    }
  }

  /// A rule is nullable if its end can be reached without reading.
  private mutating func findNullable() {
    var dependents: [[Int32]] = Array(repeating: [], count: automaton.states.count)
    for (index, state) in automaton.states.enumerated() {
      if case .bytes = state { continue }
      for supporter in supporters(of: state) { dependents[Int(supporter)].append(Int32(index)) }
    }
    var reaches = Array(repeating: false, count: automaton.states.count)
    var pending: [Int32] = [Automaton.end]
    reaches[0] = true
    while let state = pending.popLast() {
      for dependent in dependents[Int(state)] where !reaches[Int(dependent)] {
        if case .call(let rule, let next) = automaton.states[Int(dependent)] {
          guard reaches[Int(next)], reaches[Int(automaton.entries[Int(rule)])] else { continue }
        }
        reaches[Int(dependent)] = true
        pending.append(dependent)
      }
    }
    isNullable = automaton.entries.map { reaches[Int($0)] }
  }

  /// The rules that a rule can call before anything is read, each once.
  private func firstCalls(of entry: Automaton.StateID) -> [Int] {
    var seen: Set<Automaton.StateID> = [entry]
    var pending = [entry]
    var calls: Set<Int> = []
    while let state = pending.popLast() {
      var next: [Automaton.StateID] = []
      switch automaton.states[Int(state)] {
      case .end, .bytes: break
      case .split(let range):
        next += automaton.targets[Int(range.lowerBound)..<Int(range.upperBound)]
      case .call(let rule, let after):
        calls.insert(Int(rule))
        if isNullable[Int(rule)] { next.append(after) }
      case .tailCall(let rule): calls.insert(Int(rule))
      }
      for state in next where seen.insert(state).inserted { pending.append(state) }
    }
    return calls.sorted()
  }

  /// A rule that can call itself before anything is read, if there is one.
  func leftRecursiveRule() -> Int? {
    // Rules without calls on their way are taken away until none is left, or only circles are.
    let calls = automaton.entries.map(firstCalls)
    var open = calls.map(\.count)
    var callers: [[Int]] = Array(repeating: [], count: calls.count)
    for (rule, called) in calls.enumerated() { for other in called { callers[other].append(rule) } }
    var pending = open.indices.filter { open[$0] == 0 }
    while let rule = pending.popLast() {
      for caller in callers[rule] {
        open[caller] -= 1
        if open[caller] == 0 { pending.append(caller) }
      }
    }
    return open.firstIndex { $0 > 0 }.map { Self.ruleOnCircle(from: $0, calls, open) }
  }

  private static func ruleOnCircle(from rule: Int, _ calls: [[Int]], _ open: [Int]) -> Int {
    var seen: Set<Int> = []
    var rule = rule
    while seen.insert(rule).inserted {
      guard let next = calls[rule].first(where: { open[$0] > 0 }) else { return rule }
      rule = next
    }
    return rule
  }
}
