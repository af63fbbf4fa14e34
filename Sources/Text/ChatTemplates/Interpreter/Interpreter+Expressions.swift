extension Interpreter {
  /// The value of an expression.
  func evaluate(_ expression: Expression) throws(TemplateFailure) -> Value {
    try charge(1)
    switch expression {
    case .literal(let literal): return literal.value
    case .name(let variable):
      return scope.value(of: variable) ?? .undefined("'\(program.names[variable])' is undefined")
    default:
      return try nested { () throws(TemplateFailure) in try evaluateCompound(expression) }
    }
  }

  private func evaluateCompound(_ expression: Expression) throws(TemplateFailure) -> Value {
    switch expression {
    case .postfix(let base, let postfixes): return try apply(postfixes, to: try evaluate(base))
    case .arithmetic(let first, let rest): return try evaluateArithmetic(first, rest)
    case .comparison(let first, let rest): return try evaluateComparison(first, rest)
    case .and(let parts): return try evaluateLogic(parts, stopsAt: false)
    case .or(let parts): return try evaluateLogic(parts, stopsAt: true)
    case .not(let operand): return .boolean(!(try evaluate(operand).isTrue))
    case .sign(let negative, let operand): return try evaluate(operand).signed(negative: negative)
    case .conditional(let test, let then, let otherwise):
      if try evaluate(test).isTrue { return try evaluate(then) }
      if let otherwise { return try evaluate(otherwise) }
      return .undefined(
        "the inline if-expression evaluated to false and no else section was defined"
      )
    default: return try evaluateCollection(expression)
    }
  }

  private func evaluateCollection(_ expression: Expression) throws(TemplateFailure) -> Value {
    switch expression {
    case .list(let items): return try checked(.list(ListStorage(try evaluate(items))))
    case .tuple(let items): return try checked(.tuple(ListStorage(try evaluate(items))))
    case .dictionary(let pairs):
      var builder = DictionaryBuilder()
      for pair in pairs {
        let key = try evaluate(pair.key)
        try key.requireHashable()
        try charge(builder.keys.count / 16)
        builder.set(key, try evaluate(pair.value))
      }
      return try checked(.dictionary(builder.build()))
    case .concatenation(let parts):
      var text = ""
      for part in parts {
        let more = try self.text(of: try evaluate(part))
        try charge(more.utf8.count / 16)
        text += more
        guard text.utf8.count <= limits.outputBytes else {
          throw .limit("the bytes of a string", limits.outputBytes)
        }
      }
      return .string(text)
    default: return try evaluate(expression)
    }
  }

  private func evaluate(_ expressions: [Expression]) throws(TemplateFailure) -> [Value] {
    var values: [Value] = []
    values.reserveCapacity(expressions.count)
    for expression in expressions { values.append(try evaluate(expression)) }
    return values
  }

  private func evaluateArithmetic(
    _ first: Expression,
    _ rest: [(operation: ArithmeticOperator, operand: Expression)]
  ) throws(TemplateFailure) -> Value {
    var value = try evaluate(first)
    for (operation, operand) in rest {
      let right = try evaluate(operand)
      value = try checked(
        try Value.arithmetic(value, operation, right, maximumSize: limits.outputBytes)
      )
    }
    return value
  }

  private func evaluateComparison(
    _ first: Expression,
    _ rest: [(operation: ComparisonOperator, operand: Expression)]
  ) throws(TemplateFailure) -> Value {
    var left = try evaluate(first)
    for (operation, operand) in rest {
      let right = try evaluate(operand)
      guard try compare(left, operation, right) else { return .boolean(false) }
      left = right
    }
    return .boolean(true)
  }

  /// Whether a comparison holds.
  func compare(
    _ left: Value,
    _ operation: ComparisonOperator,
    _ right: Value
  ) throws(TemplateFailure) -> Bool {
    try chargeComparison(left, right)
    switch operation {
    case .equal: return left.equals(right)
    case .notEqual: return !left.equals(right)
    case .less: return try left.isLess(than: right)
    case .greater: return try right.isLess(than: left)
    case .lessOrEqual: return try left.isLess(than: right) || left.equals(right)
    case .greaterOrEqual: return try right.isLess(than: left) || left.equals(right)
    case .isIn: return try right.contains(left)
    case .isNotIn: return !(try right.contains(left))
    }
  }

  private func chargeComparison(_ left: Value, _ right: Value) throws(TemplateFailure) {
    for value in [left, right] {
      switch value.plain {
      case .string(let text): try charge(text.utf8.count / 16)
      case .list(let storage), .tuple(let storage): try charge(storage.weight)
      case .dictionary(let storage): try charge(storage.weight)
      default: break
      }
    }
  }

  private func evaluateLogic(
    _ parts: [Expression],
    stopsAt stop: Bool
  ) throws(TemplateFailure) -> Value {
    var value = Value.none
    for part in parts {
      value = try evaluate(part)
      if value.isTrue == stop { return value }
    }
    return value
  }

  /// Applies attributes, items, calls, filters and tests from left to right.
  func apply(_ postfixes: [Postfix], to base: Value) throws(TemplateFailure) -> Value {
    var value = base
    for postfix in postfixes {
      try charge(1)
      if case .filter = postfix {} else { value = value.plain }
      switch postfix {
      case .attribute(let name): value = try attribute(name, of: value)
      case .item(let key): value = try item(try evaluate(key), of: value)
      case .slice(let start, let stop, let step):
        value = try slice(
          value,
          start: try bound(start),
          stop: try bound(stop),
          step: try bound(step)
        )
      case .call(let arguments):
        value = try checked(try call(value, try evaluate(arguments)))
      case .filter(let name, let arguments):
        value = try checked(try filter(name, value, try evaluate(arguments)))
      case .test(let name, let isNegated, let arguments):
        value = .boolean(try test(name, value, try evaluate(arguments)) != isNegated)
      }
    }
    return value
  }

  private func bound(_ expression: Expression?) throws(TemplateFailure) -> Int? {
    guard let expression else { return nil }
    let value = try evaluate(expression)
    if case .none = value { return nil }
    try value.requireDefined()
    guard let index = value.asInteger else {
      throw TemplateFailure("slice indices must be integers or None")
    }
    return index
  }

  /// The values of a call's arguments.
  func evaluate(_ arguments: Arguments) throws(TemplateFailure) -> CallArguments {
    var values = CallArguments(positional: try evaluate(arguments.positional))
    for (name, expression) in arguments.keyword {
      values.keyword.append((name, try evaluate(expression)))
    }
    if let spread = arguments.spread {
      values.positional += try items(of: try evaluate(spread))
    }
    if let spread = arguments.keywordSpread {
      guard case .dictionary(let storage) = try evaluate(spread) else {
        throw TemplateFailure("the argument after ** must be a mapping")
      }
      for (key, value) in zip(storage.keys, storage.values) {
        guard case .string(let name) = key else {
          throw TemplateFailure("keywords must be strings")
        }
        guard !values.keyword.contains(where: { sameText($0.name, name) }) else {
          throw TemplateFailure("got multiple values for keyword argument '\(name)'")
        }
        try charge(values.keyword.count)
        values.keyword.append((name, value))
      }
    }
    return values
  }
}
