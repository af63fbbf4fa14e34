/// A statement of the template, parsed.
struct Statement: Sendable {
  /// The template line it starts on.
  var line: Int
  var kind: Kind

  /// What it does.
  indirect enum Kind: Sendable {
    case text(String)
    case output(Expression)
    case conditional([(test: Expression, body: [Statement])], otherwise: [Statement])
    case loop(ForLoop)
    case assign(AssignmentTarget, Expression)
    case assignBlock(AssignmentTarget, filters: [Postfix], body: [Statement])
    case macro(MacroDefinition)
    case call(Expression, caller: MacroDefinition)
    case filterBlock([Postfix], body: [Statement])
    case with([(target: AssignmentTarget, value: Expression)], body: [Statement])
    /// `{% generation %}`: its text is what the assistant said.
    case generation([Statement])
    case breakLoop
    case continueLoop
  }
}

/// `{% for target in items if condition %} body {% else %} otherwise {% endfor %}`
struct ForLoop: Sendable {
  var target: AssignmentTarget
  var items: Expression
  var condition: Expression?
  var body: [Statement]
  var otherwise: [Statement]
}

/// Where `set` and `for` put a value.
indirect enum AssignmentTarget: Sendable {
  /// A variable, by its number in ``Program/names``.
  case name(Int)
  case tuple([AssignmentTarget])
  /// An attribute of a namespace variable.
  case attribute(of: Int, String)
}

/// A macro, or the body of a `call` block.
struct MacroDefinition: Sendable {
  var name: String
  /// The variable it is stored in.
  var variable: Int
  var parameters: [(variable: Int, name: String, defaultValue: Expression?)]
  var body: [Statement]
  /// Whether the body mentions `varargs`, `kwargs` or `caller`, which makes them allowed.
  var takesExtraPositional: Bool
  var takesExtraKeyword: Bool
  var takesCaller: Bool
}

/// A whole template, parsed.
struct Program: Sendable {
  var statements: [Statement]
  /// The variables' names; the tree refers to them by number.
  var names: [String]
  /// The number of `loop`, if the template mentions it.
  var loopVariable: Int?
}
