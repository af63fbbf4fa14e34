/// An operator between two numbers, strings or lists.
enum ArithmeticOperator: String, Sendable {
  case add = "+"
  case subtract = "-"
  case multiply = "*"
  case divide = "/"
  case floorDivide = "//"
  case modulo = "%"
  case power = "**"
}

extension Value {
  /// Python's arithmetic on numbers, and `+` and `*` on strings, lists and tuples.
  ///
  /// - Parameters:
  ///   - left: The left operand.
  ///   - right: The right operand.
  ///   - maximumSize: The most UTF-8 bytes or items that the result may have.
  /// - Throws: For types that do not go together, division by zero, results that do not fit 64
  ///   bits or the maximum size.
  static func arithmetic(
    _ left: Value,
    _ operation: ArithmeticOperator,
    _ right: Value,
    maximumSize: Int
  ) throws(TemplateFailure) -> Value {
    try left.requireDefined()
    if operation == .add, let sum = try markupSum(left, right, maximumSize) { return sum }
    let left = left.plain
    let right = right.plain
    if operation == .modulo, case .string(let format) = left {
      return .string(try percentFormat(format, right, maximumSize: maximumSize))
    }
    try right.requireDefined()
    if let left = left.asInteger, let right = right.asInteger {
      return try integerArithmetic(left, operation, right)
    }
    if let left = left.asFloat, let right = right.asFloat {
      return .float(try floatArithmetic(left, operation, right))
    }
    switch (operation, left, right) {
    case (.add, .string(let left), .string(let right)):
      guard left.utf8.count + right.utf8.count <= maximumSize else {
        throw .limit("the bytes of a string", maximumSize)
      }
      return .string(left + right)
    case (.add, .list(let left), .list(let right)):
      return .list(try concatenated(left, right, maximumSize))
    case (.add, .tuple(let left), .tuple(let right)):
      return .tuple(try concatenated(left, right, maximumSize))
    case (.multiply, _, _):
      if let count = right.asInteger {
        if let repeated = try left.repeated(count, maximumSize) { return repeated }
      } else if let count = left.asInteger,
        let repeated = try right.repeated(count, maximumSize)
      {
        return repeated
      }
    default: break
    }
    throw TemplateFailure(
      "unsupported operand type(s) for \(operation.rawValue): '\(left.typeName)' and "
        + "'\(right.typeName)'"
    )
  }

  /// Python's unary `-` or `+`.
  func signed(negative: Bool) throws(TemplateFailure) -> Value {
    try requireDefined()
    if let value = asInteger {
      let (result, overflow) = negative ? value.multipliedReportingOverflow(by: -1) : (value, false)
      guard !overflow else { throw .integerOverflow }
      return .integer(result)
    }
    guard case .float(let value) = self else {
      throw TemplateFailure("bad operand type for unary \(negative ? "-" : "+"): '\(typeName)'")
    }
    return .float(negative ? -value : value)
  }

  /// The sum where one side is markup and the other a string: markup, with the string escaped.
  private static func markupSum(
    _ left: Value,
    _ right: Value,
    _ maximum: Int
  ) throws(TemplateFailure) -> Value? {
    let parts: (String, String)
    switch (left, right) {
    case (.markup(let left), .markup(let right)): parts = (left, right)
    case (.markup(let left), .string(let right)): parts = (left, escapedForHTML(right))
    case (.string(let left), .markup(let right)): parts = (escapedForHTML(left), right)
    default: return nil
    }
    guard parts.0.utf8.count + parts.1.utf8.count <= maximum else {
      throw .limit("the bytes of a string", maximum)
    }
    return .markup(parts.0 + parts.1)
  }

  private static func concatenated(
    _ left: ListStorage,
    _ right: ListStorage,
    _ maximum: Int
  ) throws(TemplateFailure) -> ListStorage {
    guard left.items.count + right.items.count <= maximum else {
      throw .limit("the items of a list", maximum)
    }
    return ListStorage(left.items + right.items)
  }

  private func repeated(_ count: Int, _ maximum: Int) throws(TemplateFailure) -> Value? {
    let count = max(0, count)
    switch self {
    case .string(let text):
      let (size, overflow) = text.utf8.count.multipliedReportingOverflow(by: count)
      guard !overflow, size <= maximum else { throw .limit("the bytes of a string", maximum) }
      return .string(String(repeating: text, count: text.isEmpty ? 0 : count))
    case .list(let storage), .tuple(let storage):
      let (size, overflow) = storage.items.count.multipliedReportingOverflow(by: count)
      guard !overflow, size <= maximum else { throw .limit("the items of a list", maximum) }
      let items =
        storage.items.isEmpty ? [] : repeatElement(storage.items, count: count).flatMap { $0 }
      if case .tuple = self { return .tuple(ListStorage(items)) }
      return .list(ListStorage(items))
    default: return nil
    }
  }

  private static func integerArithmetic(
    _ left: Int,
    _ operation: ArithmeticOperator,
    _ right: Int
  ) throws(TemplateFailure) -> Value {
    let result: (partialValue: Int, overflow: Bool)
    switch operation {
    case .add: result = left.addingReportingOverflow(right)
    case .subtract: result = left.subtractingReportingOverflow(right)
    case .multiply: result = left.multipliedReportingOverflow(by: right)
    case .divide: return .float(try floatArithmetic(Double(left), .divide, Double(right)))
    case .floorDivide, .modulo:
      guard right != 0 else { throw .divisionByZero }
      let quotient = left.dividedReportingOverflow(by: right)
      guard !quotient.overflow else {
        if operation == .modulo { return .integer(0) }
        throw .integerOverflow
      }
      let remainder = left % right
      let isRoundedUp = remainder != 0 && (remainder < 0) != (right < 0)
      return operation == .modulo
        ? .integer(isRoundedUp ? remainder + right : remainder)
        : .integer(isRoundedUp ? quotient.partialValue - 1 : quotient.partialValue)
    case .power:
      guard right >= 0 else {
        return .float(try floatArithmetic(Double(left), .power, Double(right)))
      }
      return .integer(try integerPower(left, right))
    }
    guard !result.overflow else { throw .integerOverflow }
    return .integer(result.partialValue)
  }

  private static func integerPower(_ base: Int, _ exponent: Int) throws(TemplateFailure) -> Int {
    if base == 0 || base == 1 || exponent == 0 { return exponent == 0 ? 1 : base }
    if base == -1 { return exponent % 2 == 0 ? 1 : -1 }
    var result = 1
    for _ in 0..<exponent {
      let (product, overflow) = result.multipliedReportingOverflow(by: base)
      guard !overflow else { throw .integerOverflow }
      result = product
    }
    return result
  }

  private static func floatArithmetic(
    _ left: Double,
    _ operation: ArithmeticOperator,
    _ right: Double
  ) throws(TemplateFailure) -> Double {
    switch operation {
    case .add: return left + right
    case .subtract: return left - right
    case .multiply: return left * right
    case .divide, .floorDivide, .modulo:
      guard right != 0 else { throw .divisionByZero }
      if operation == .divide { return left / right }
      var remainder = left.truncatingRemainder(dividingBy: right)
      if remainder != 0, (remainder < 0) != (right < 0) { remainder += right }
      if operation == .modulo { return remainder == 0 ? (right < 0 ? -0.0 : 0.0) : remainder }
      return ((left - remainder) / right).rounded()
    case .power:
      guard let result = power(left, right) else {
        throw TemplateFailure("\(left) ** \(right) is not a real number in range")
      }
      return result
    }
  }
}

extension TemplateFailure {
  /// An integer result beyond 64 bits.
  static var integerOverflow: Self { Self("an integer result does not fit 64 bits") }
  /// A divisor of zero.
  static var divisionByZero: Self { Self("division by zero") }
}
