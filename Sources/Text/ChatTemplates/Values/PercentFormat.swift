/// Python's `format % operand` for the conversions `s r d i u x X o c f F e E g G %`, with flags,
/// width and precision.
///
/// - Throws: For a conversion or operand that Python would refuse, or that is not supported.
func percentFormat(
  _ format: String,
  _ operand: Value,
  maximumSize: Int
) throws(TemplateFailure) -> String {
  var formatter = PercentFormatter(format, operand, maximumSize: maximumSize)
  return try formatter.run()
}

private struct PercentFormatter {
  private let scalars: [Unicode.Scalar]
  private var position = 0
  private let operand: Value
  private var operands: ArraySlice<Value>
  private let maximumSize: Int
  private var text = ""

  init(_ format: String, _ operand: Value, maximumSize: Int) {
    scalars = Array(format.unicodeScalars)
    self.operand = operand
    if case .tuple(let storage) = operand {
      operands = storage.items[...]
    } else {
      operands = [operand]
    }
    self.maximumSize = maximumSize
  }

  mutating func run() throws(TemplateFailure) -> String {
    while position < scalars.count {
      let scalar = scalars[position]
      position += 1
      if scalar == "%" {
        try expand()
      } else {
        text.unicodeScalars.append(scalar)
      }
      guard text.utf8.count <= maximumSize else {
        throw .limit("the bytes of a string", maximumSize)
      }
    }
    if case .dictionary = operand { return text }
    guard operands.isEmpty else {
      throw TemplateFailure("not all arguments converted during string formatting")
    }
    return text
  }

  private mutating func expand() throws(TemplateFailure) {
    var specification = FormatSpecification()
    var named: Value?
    if position < scalars.count, scalars[position] == "(" { named = try takeNamed() }
    while position < scalars.count {
      switch scalars[position] {
      case "-": specification.alignment = "<"
      case "0": specification.isZeroPadded = true
      case "+": specification.sign = "+"
      case " ": if specification.sign == "-" { specification.sign = " " }
      case "#": specification.isAlternate = true
      default:
        try expandConversion(&specification, named)
        return
      }
      position += 1
    }
    throw TemplateFailure("incomplete format")
  }

  private mutating func expandConversion(
    _ specification: inout FormatSpecification,
    _ named: Value?
  ) throws(TemplateFailure) {
    specification.width = try takeNumber() ?? 0
    if position < scalars.count, scalars[position] == "." {
      position += 1
      specification.precision = try takeNumber() ?? 0
    }
    guard position < scalars.count else { throw TemplateFailure("incomplete format") }
    let conversion = scalars[position]
    position += 1
    if conversion == "%" {
      text += "%"
      return
    }
    let value = if let named { named } else { try takeOperand() }
    specification.type = conversion
    switch conversion {
    case "s", "r", "a":
      specification.type = "s"
      specification.isZeroPadded = false
      let shown =
        conversion == "s"
        ? try value.rendered(maximumSize: maximumSize)
        : try value.represented(maximumSize: maximumSize)
      if specification.alignment == nil { specification.alignment = ">" }
      text += try specification.format(.string(shown))
    case "d", "i", "u":
      specification.type = "d"
      guard let number = value.asFloat, let integer = Int(exactly: number.rounded(.towardZero))
      else { throw TemplateFailure("%d format: a number is required, not \(value.typeName)") }
      text += try specification.format(.integer(value.asInteger ?? integer))
    case "x", "X", "o", "c":
      text += try specification.format(value)
    case "f", "F", "e", "E", "g", "G":
      guard let number = value.asFloat else {
        throw TemplateFailure("must be real number, not \(value.typeName)")
      }
      text += try specification.format(.float(number))
    default: throw TemplateFailure("unsupported format character '\(conversion)'")
    }
  }

  private mutating func takeNamed() throws(TemplateFailure) -> Value {
    guard case .dictionary(let storage) = operand,
      let close = scalars[position...].firstIndex(of: ")")
    else { throw TemplateFailure("format requires a mapping") }
    let name = String(scalars: scalars[(position + 1)..<close])
    position = close + 1
    guard let value = storage[name] else { throw TemplateFailure("no key '\(name)' to format") }
    return value
  }

  private mutating func takeOperand() throws(TemplateFailure) -> Value {
    guard let value = operands.popFirst() else {
      throw TemplateFailure("not enough arguments for format string")
    }
    return value
  }

  private mutating func takeNumber() throws(TemplateFailure) -> Int? {
    if position < scalars.count, scalars[position] == "*" {
      position += 1
      guard let number = try takeOperand().asInteger, number >= 0 else {
        throw TemplateFailure("* wants an integer")
      }
      return number
    }
    let start = position
    while position < scalars.count, ("0"..."9").contains(scalars[position]) { position += 1 }
    guard position > start else { return nil }
    guard let number = Int(String(scalars: scalars[start..<position])) else {
      throw TemplateFailure("a width or precision is too large")
    }
    return number
  }
}
