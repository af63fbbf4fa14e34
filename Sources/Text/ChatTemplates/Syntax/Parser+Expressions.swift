extension Parser {
  /// Parses an expression.
  ///
  /// - Parameter allowsConditional: Whether `a if b else c` may stand here.
  mutating func parseExpression(
    allowsConditional: Bool = true
  ) throws(TemplateFailure) -> Expression {
    try nested { (parser) throws(TemplateFailure) in
      guard allowsConditional else { return try parser.parseOr() }
      let unknown = parser.unknownNames.count
      var result = try parser.parseOr()
      var count = 0
      while parser.takeName("if") {
        count += 1
        guard count <= 4 else { throw parser.failure("more than 4 inline conditions in a row") }
        let test = try parser.parseOr()
        let otherwise = parser.takeName("else") ? try parser.parseExpression() : nil
        result = .conditional(test: test, then: result, otherwise: otherwise)
      }
      if count > 0 { parser.unknownNames.removeSubrange(unknown...) }
      return result
    }
  }

  private mutating func parseOr() throws(TemplateFailure) -> Expression {
    var parts = [try parseAnd()]
    while takeName("or") { parts.append(try parseAnd()) }
    return parts.count == 1 ? parts[0] : .or(parts)
  }

  private mutating func parseAnd() throws(TemplateFailure) -> Expression {
    var parts = [try parseNot()]
    while takeName("and") { parts.append(try parseNot()) }
    return parts.count == 1 ? parts[0] : .and(parts)
  }

  private mutating func parseNot() throws(TemplateFailure) -> Expression {
    guard takeName("not") else { return try parseComparison() }
    return .not(try nested { (parser) throws(TemplateFailure) in try parser.parseNot() })
  }

  private mutating func parseComparison() throws(TemplateFailure) -> Expression {
    let first = try parseArithmetic(.sum)
    var rest: [(operation: ComparisonOperator, operand: Expression)] = []
    while let operation = takeComparisonOperator() {
      rest.append((operation, try parseArithmetic(.sum)))
    }
    return rest.isEmpty ? first : .comparison(first, rest)
  }

  private mutating func takeComparisonOperator() -> ComparisonOperator? {
    let operation: ComparisonOperator
    switch current {
    case .symbol(.equal): operation = .equal
    case .symbol(.notEqual): operation = .notEqual
    case .symbol(.less): operation = .less
    case .symbol(.lessOrEqual): operation = .lessOrEqual
    case .symbol(.greater): operation = .greater
    case .symbol(.greaterOrEqual): operation = .greaterOrEqual
    case .name("in"): operation = .isIn
    case .name("not"):
      guard following == .name("in") else { return nil }
      skip()
      operation = .isNotIn
    default: return nil
    }
    skip()
    return operation
  }

  /// The binding strengths of arithmetic, weakest first; `~` binds between sum and product.
  private enum Precedence {
    case sum, concatenation, product, power
  }

  private mutating func parseArithmetic(
    _ precedence: Precedence
  ) throws(TemplateFailure) -> Expression {
    switch precedence {
    case .sum:
      return try parseChain([.plus: .add, .minus: .subtract], operands: .concatenation)
    case .concatenation:
      var parts = [try parseArithmetic(.product)]
      while take(.tilde) { parts.append(try parseArithmetic(.product)) }
      return parts.count == 1 ? parts[0] : .concatenation(parts)
    case .product:
      return try parseChain(
        [.star: .multiply, .slash: .divide, .doubleSlash: .floorDivide, .percent: .modulo],
        operands: .power
      )
    case .power:
      return try parseChain([.doubleStar: .power], operands: nil)
    }
  }

  private mutating func parseChain(
    _ operators: [Symbol: ArithmeticOperator],
    operands: Precedence?
  ) throws(TemplateFailure) -> Expression {
    func parseOperand(_ parser: inout Parser) throws(TemplateFailure) -> Expression {
      if let operands { return try parser.parseArithmetic(operands) }
      return try parser.parseUnary()
    }
    let first = try parseOperand(&self)
    var rest: [(operation: ArithmeticOperator, operand: Expression)] = []
    while case .symbol(let symbol) = current, let operation = operators[symbol] {
      skip()
      rest.append((operation, try parseOperand(&self)))
    }
    return rest.isEmpty ? first : .arithmetic(first, rest)
  }

  private mutating func parseUnary(takesFilters: Bool = true) throws(TemplateFailure) -> Expression
  {
    var expression: Expression
    if current == .symbol(.minus) || current == .symbol(.plus) {
      let negative = current == .symbol(.minus)
      skip()
      let operand = try nested { (parser) throws(TemplateFailure) in
        try parser.parseUnary(takesFilters: false)
      }
      expression = .sign(negative: negative, operand)
    } else {
      expression = try parsePrimary()
    }
    var postfixes = try parsePostfixes()
    if takesFilters { postfixes += try parseFiltersAndTests() }
    if !postfixes.isEmpty { expression = .postfix(expression, postfixes) }
    return expression
  }

  /// Parses a literal, variable or bracketed expression.
  mutating func parsePrimary() throws(TemplateFailure) -> Expression {
    let token = current
    switch token {
    case .name(let name):
      skip()
      switch name {
      case "true", "True": return .literal(.boolean(true))
      case "false", "False": return .literal(.boolean(false))
      case "none", "None": return .literal(.none)
      default: return .name(number(of: name))
      }
    case .string(var text):
      skip()
      while case .string(let more) = current {
        text += more
        skip()
      }
      return .literal(.string(text))
    case .integer(let value):
      skip()
      return .literal(.integer(value))
    case .float(let value):
      skip()
      return .literal(.float(value))
    case .symbol(.leftParenthesis):
      skip()
      let expression = try parseTuple(isInParentheses: true)
      try expect(.symbol(.rightParenthesis))
      return expression
    case .symbol(.leftBracket):
      return .list(try parseList())
    case .symbol(.leftBrace):
      return try parseDictionary()
    default: throw unexpected()
    }
  }

  private mutating func parseList() throws(TemplateFailure) -> [Expression] {
    skip()
    var items: [Expression] = []
    while current != .symbol(.rightBracket) {
      if !items.isEmpty { try expect(.symbol(.comma)) }
      if current == .symbol(.rightBracket) { break }
      items.append(try parseExpression())
    }
    skip()
    return items
  }

  private mutating func parseDictionary() throws(TemplateFailure) -> Expression {
    skip()
    var pairs: [(key: Expression, value: Expression)] = []
    while current != .symbol(.rightBrace) {
      if !pairs.isEmpty { try expect(.symbol(.comma)) }
      if current == .symbol(.rightBrace) { break }
      let key = try parseExpression()
      try expect(.symbol(.colon))
      pairs.append((key, try parseExpression()))
    }
    skip()
    return .dictionary(pairs)
  }

  /// Parses one expression, or a tuple where commas follow.
  ///
  /// - Parameters:
  ///   - isInParentheses: Whether an empty tuple is allowed.
  ///   - allowsConditional: Whether items may be `a if b else c`.
  mutating func parseTuple(
    isInParentheses: Bool = false,
    allowsConditional: Bool = true
  ) throws(TemplateFailure) -> Expression {
    var items: [Expression] = []
    var isTuple = false
    while true {
      if !items.isEmpty { try expect(.symbol(.comma)) }
      if isTupleEnd { break }
      items.append(try parseExpression(allowsConditional: allowsConditional))
      guard current == .symbol(.comma) else { break }
      isTuple = true
    }
    if isTuple { return .tuple(items) }
    if let only = items.first { return only }
    guard isInParentheses else { throw unexpected("expected an expression") }
    return .tuple([])
  }

  /// Whether a tuple without parentheses ends before ``current``.
  var isTupleEnd: Bool {
    switch current {
    case .variableEnd, .blockEnd, .symbol(.rightParenthesis): true
    default: false
    }
  }
}
