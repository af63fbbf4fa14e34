/// An expression of the template, parsed.
///
/// Chains (`a + b + c`, `a.b[c](d)|e`) are flat, so that the depth of a tree is the depth to which
/// the source nests brackets, which the parser bounds.
indirect enum Expression: Sendable {
  case literal(Literal)
  /// A variable, by its number in ``Program/names``.
  case name(Int)
  case list([Expression])
  case tuple([Expression])
  case dictionary([(key: Expression, value: Expression)])
  /// Attributes, items, calls, filters and tests, applied from left to right.
  case postfix(Expression, [Postfix])
  /// Operators of one precedence, applied from left to right.
  case arithmetic(Expression, [(operation: ArithmeticOperator, operand: Expression)])
  /// `a ~ b ~ c`
  case concatenation([Expression])
  /// `a < b <= c`: true when each pair is.
  case comparison(Expression, [(operation: ComparisonOperator, operand: Expression)])
  case and([Expression])
  case or([Expression])
  case not(Expression)
  case sign(negative: Bool, Expression)
  case conditional(test: Expression, then: Expression, otherwise: Expression?)
}

/// A value written in the source.
enum Literal: Sendable {
  case none
  case boolean(Bool)
  case integer(Int)
  case float(Double)
  case string(String)

  /// The value at run time.
  var value: Value {
    switch self {
    case .none: .none
    case .boolean(let value): .boolean(value)
    case .integer(let value): .integer(value)
    case .float(let value): .float(value)
    case .string(let text): .string(text)
    }
  }
}

/// What can follow an expression.
enum Postfix: Sendable {
  case attribute(String)
  case item(Expression)
  case slice(start: Expression?, stop: Expression?, step: Expression?)
  case call(Arguments)
  case filter(String, Arguments)
  case test(String, isNegated: Bool, Arguments)
}

/// The arguments of a call, filter or test.
struct Arguments: Sendable {
  var positional: [Expression] = []
  var keyword: [(name: String, value: Expression)] = []
  /// `*expression`
  var spread: Expression?
  /// `**expression`
  var keywordSpread: Expression?
}

/// An operator of a comparison.
enum ComparisonOperator: Sendable {
  case equal, notEqual, less, lessOrEqual, greater, greaterOrEqual, isIn, isNotIn
}
