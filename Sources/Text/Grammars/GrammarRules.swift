import MeshTypes

/// The rules of a grammar that is being compiled, and what compiling it may still cost.
struct GrammarRules {
  private(set) var names: [String] = []
  /// nil while only named.
  private(set) var expressions: [Expression?] = []
  var budget: GrammarBudget

  init(field: String, limits: GrammarLimits) {
    budget = GrammarBudget(field: field, limits: limits)
  }

  /// Names a rule, to be given its expression later.
  mutating func declare(_ name: String) throws(MeshError) -> RuleID {
    guard expressions.count < budget.limits.rules else {
      throw budget.exceeded("rules", budget.limits.rules)
    }
    names.append(name)
    expressions.append(nil)
    return RuleID(index: expressions.count - 1)
  }

  /// Says what a declared rule gives.
  mutating func define(_ rule: RuleID, as expression: Expression) {
    expressions[rule.index] = expression
  }

  /// A new rule.
  mutating func add(_ name: String, _ expression: Expression) throws(MeshError) -> Expression {
    let rule = try declare(name)
    define(rule, as: expression)
    return .rule(rule)
  }
}

/// What compiling a grammar may still cost, and the field that errors name.
struct GrammarBudget {
  let field: String
  let limits: GrammarLimits
  private var workUnits = 0

  init(field: String, limits: GrammarLimits) {
    self.field = field
    self.limits = limits
  }

  /// Accounts for work.
  mutating func spend(_ units: Int = 1) throws(MeshError) {
    workUnits += units
    guard workUnits <= limits.workUnits else {
      throw exceeded("steps of compiling", limits.workUnits)
    }
  }

  /// Checks how deep the source nests.
  func checkNesting(_ depth: Int, at place: String) throws(MeshError) {
    guard depth <= limits.nesting else {
      throw MeshError(
        .outOfRange,
        "\(field) \(place): nesting must be at most \(limits.nesting) levels deep",
        field: field
      )
    }
  }

  /// Checks a count of repetitions.
  func checkRepetitions(_ count: Int, at place: String) throws(MeshError) {
    guard (0...limits.repetitions).contains(count) else {
      throw MeshError(
        .outOfRange,
        "\(field) \(place): must be in 0...\(limits.repetitions), is \(count)",
        field: field
      )
    }
  }

  /// The error of a grammar that is too large.
  func exceeded(_ what: String, _ limit: Int) -> MeshError {
    MeshError(.outOfRange, "\(field) must need at most \(limit) \(what)", field: field)
  }

  /// The error of a source that is wrong.
  func invalid(_ message: String, at place: String) -> MeshError {
    .invalid(field, "\(place): \(message)")
  }

  /// The error of a source that asks for what Weft cannot enforce.
  func unsupported(_ message: String, at place: String) -> MeshError {
    MeshError(.unimplemented, "\(field) \(place): \(message)", field: field)
  }
}
