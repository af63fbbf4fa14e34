import MeshTypes

/// A compiled grammar: immutable, to be shared.
package struct Grammar: Sendable {
  let automaton: Automaton
  let classes: ByteClasses
  let limits: GrammarLimits
  /// The name of the request's field it came in, for errors.
  package let field: String

  /// The number of the automaton's states.
  package var stateCount: Int { automaton.states.count }

  /// Compiles rules.
  ///
  /// - Throws: `MeshError` `invalidArgument` for a rule that can call itself before it reads
  ///   anything, and for a grammar without any text.
  init(root: Expression, rules: GrammarRules) throws(MeshError) {
    var automaton = try AutomatonBuilder.build(root: root, rules: rules)
    let analysis = AutomatonAnalysis(automaton)
    field = rules.budget.field
    limits = rules.budget.limits
    if let rule = analysis.leftRecursiveRule() {
      throw .invalid(
        field,
        "rule \"\(rules.names[rule])\": must not begin with itself (left recursion)"
      )
    }
    guard analysis.isProductive[Int(automaton.start)] else {
      throw .invalid(field, "must allow at least one text, allows none")
    }
    automaton.removeUnproductive(analysis.isProductive)
    self.automaton = automaton
    classes = ByteClasses(automaton.edges)
  }
}

extension Automaton {
  /// Takes away all ways into states that no text gets out of.
  fileprivate mutating func removeUnproductive(_ isProductive: [Bool]) {
    var keptEdges: [Edge] = []
    var keptTargets: [StateID] = []
    for index in states.indices {
      switch states[index] {
      case .bytes(let range):
        let first = Int32(keptEdges.count)
        keptEdges += edges[Int(range.lowerBound)..<Int(range.upperBound)]
          .filter { isProductive[Int($0.target)] }
        states[index] = .bytes(first..<Int32(keptEdges.count))
      case .split(let range):
        let first = Int32(keptTargets.count)
        keptTargets += targets[Int(range.lowerBound)..<Int(range.upperBound)]
          .filter { isProductive[Int($0)] }
        states[index] = .split(first..<Int32(keptTargets.count))
      case .call, .tailCall:
        // Without ways out, as nothing comes out of it.
        if !isProductive[index] { states[index] = .split(0..<0) }
      case .end: break
      }
    }
    (edges, targets) = (keptEdges, keptTargets)
  }
}
