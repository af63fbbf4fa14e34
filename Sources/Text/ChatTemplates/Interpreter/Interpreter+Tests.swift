extension Interpreter {
  /// The tests that templates can use after `is`.
  static let testNames: Set<String> = [
    "defined", "undefined", "none", "string", "number", "integer", "float", "boolean", "mapping",
    "sequence", "iterable", "sameas", "callable", "true", "false", "odd", "even", "divisibleby",
    "lower", "upper", "in", "eq", "equalto", "==", "ne", "!=", "lt", "lessthan", "<", "le", "<=",
    "gt", "greaterthan", ">", "ge", ">=", "filter", "test", "escaped",
  ]

  private static let comparisons: [String: ComparisonOperator] = [
    "eq": .equal, "equalto": .equal, "==": .equal, "ne": .notEqual, "!=": .notEqual, "lt": .less,
    "lessthan": .less, "<": .less, "le": .lessOrEqual, "<=": .lessOrEqual, "gt": .greater,
    "greaterthan": .greater, ">": .greater, "ge": .greaterOrEqual, ">=": .greaterOrEqual,
    "in": .isIn,
  ]

  /// Whether a value passes a test.
  func test(
    _ name: String,
    _ value: Value,
    _ arguments: CallArguments
  ) throws(TemplateFailure) -> Bool {
    if let operation = Self.comparisons[name] {
      return try compare(value, operation, try onlyArgument(arguments, of: name))
    }
    switch name {
    case "sameas": return value.isSame(as: try onlyArgument(arguments, of: name))
    case "divisibleby":
      let divisor = try onlyArgument(arguments, of: name)
      return try remainder(value, divisor).asFloat == 0
    default: break
    }
    guard arguments.positional.isEmpty, arguments.keyword.isEmpty else {
      throw TemplateFailure("the test '\(name)' takes no arguments")
    }
    switch name {
    case "odd": return try remainder(value, .integer(2)).asFloat == 1
    case "even": return try remainder(value, .integer(2)).asFloat == 0
    case "lower": return isCased(try text(of: value)) { $0.isLowercase }
    case "upper": return isCased(try text(of: value)) { $0.isUppercase }
    case "filter": return Self.filterNames.contains(try text(of: value))
    case "test": return Self.testNames.contains(try text(of: value))
    case "escaped": return false
    default: return try typeTest(name, value)
    }
  }

  private func typeTest(_ name: String, _ value: Value) throws(TemplateFailure) -> Bool {
    switch (name, value) {
    case ("defined", .undefined): return false
    case ("defined", _): return true
    case ("undefined", .undefined), ("none", .none), ("string", .string), ("boolean", .boolean),
      ("integer", .integer), ("float", .float), ("mapping", .dictionary), ("callable", .callable),
      ("number", .boolean), ("number", .integer), ("number", .float), ("true", .boolean(true)),
      ("false", .boolean(false)):
      return true
    case ("callable", .undefined): return true
    case ("sequence", .string), ("sequence", .list), ("sequence", .tuple),
      ("sequence", .dictionary), ("sequence", .undefined):
      return true
    case ("iterable", .string), ("iterable", .list), ("iterable", .tuple),
      ("iterable", .dictionary), ("iterable", .view), ("iterable", .iterator),
      ("iterable", .undefined),
      ("iterable", .loop):
      return true
    default:
      guard Self.testNames.contains(name) else { throw TemplateFailure("no test named '\(name)'") }
      return false
    }
  }

  private func remainder(_ value: Value, _ divisor: Value) throws(TemplateFailure) -> Value {
    try Value.arithmetic(value, .modulo, divisor, maximumSize: limits.outputBytes)
  }

  private func onlyArgument(
    _ arguments: CallArguments,
    of name: String
  ) throws(TemplateFailure) -> Value {
    guard arguments.keyword.isEmpty, arguments.positional.count == 1 else {
      throw TemplateFailure("the test '\(name)' takes one argument")
    }
    return arguments.positional[0]
  }

  /// Whether all letters with case have this one, and there is at least one.
  func isCased(_ text: String, _ hasCase: (Unicode.Scalar.Properties) -> Bool) -> Bool {
    var isAny = false
    for scalar in text.unicodeScalars {
      let properties = scalar.properties
      if hasCase(properties) {
        isAny = true
      } else if properties.isLowercase || properties.isUppercase
        || properties.generalCategory == .titlecaseLetter
      {
        return false
      }
    }
    return isAny
  }
}
