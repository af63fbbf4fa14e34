extension Value {
  /// Python's `str()`.
  ///
  /// - Parameter maximumSize: The most UTF-8 bytes to make (overshooting by one value at most).
  func rendered(maximumSize: Int) throws(TemplateFailure) -> String {
    switch self {
    case .undefined: return ""
    case .string(let text), .markup(let text): return text
    default:
      return try represented(maximumSize: maximumSize)
    }
  }

  /// Python's `repr()`.
  func represented(maximumSize: Int) throws(TemplateFailure) -> String {
    var representation = Representation(maximumSize: maximumSize)
    try representation.append(self, depth: 0)
    return representation.text
  }
}

/// Python's `repr()` of a value, as it is made.
private struct Representation {
  let maximumSize: Int
  var text = ""

  /// How deep namespaces may refer to each other when one is printed.
  private static let deepest = 128

  mutating func append(_ value: Value, depth: Int) throws(TemplateFailure) {
    guard depth < Self.deepest else {
      throw .limit("the nesting of a printed value", Self.deepest)
    }
    guard text.utf8.count <= maximumSize else { throw .limit("the bytes of a string", maximumSize) }
    switch value {
    case .undefined: text += "Undefined"
    case .none: text += "None"
    case .boolean(let value): text += value ? "True" : "False"
    case .integer(let value): text += String(value)
    case .float(let value): text += pythonRepresentation(of: value)
    case .string(let string): appendQuoted(string, to: &text)
    case .markup(let string):
      text += "Markup("
      appendQuoted(string, to: &text)
      text += ")"
    case .list(let storage):
      text += "["
      try append(storage.items, depth: depth)
      text += "]"
    case .tuple(let storage):
      text += "("
      try append(storage.items, depth: depth)
      text += storage.items.count == 1 ? ",)" : ")"
    case .dictionary(let storage): try append(storage, depth: depth)
    case .view(let name, let storage):
      text += "dict_\(name)(["
      try append(storage.items, depth: depth)
      text += "])"
    case .namespace(let namespace):
      text += "<Namespace "
      try append(namespace.attributes, depth: depth)
      text += ">"
    case .iterator: text += "<generator object>"
    case .loop(let loop): text += "<LoopContext \(loop.index + 1)/\(loop.items.count)>"
    case .callable: text += "<function>"
    }
  }

  private mutating func append(_ items: [Value], depth: Int) throws(TemplateFailure) {
    for (position, item) in items.enumerated() {
      if position > 0 { text += ", " }
      try append(item, depth: depth + 1)
    }
  }

  private mutating func append(
    _ storage: DictionaryStorage,
    depth: Int
  ) throws(TemplateFailure) {
    text += "{"
    for (position, key) in storage.keys.enumerated() {
      if position > 0 { text += ", " }
      try append(key, depth: depth + 1)
      text += ": "
      try append(storage.values[position], depth: depth + 1)
    }
    text += "}"
  }
}

/// Appends a string as Python's `repr()` quotes it.
private func appendQuoted(_ string: String, to text: inout String) {
  let scalars = string.unicodeScalars
  let quote: Unicode.Scalar = scalars.contains("'") && !scalars.contains("\"") ? "\"" : "'"
  text.unicodeScalars.append(quote)
  for scalar in scalars {
    switch scalar {
    case "\\": text += "\\\\"
    case "\n": text += "\\n"
    case "\r": text += "\\r"
    case "\t": text += "\\t"
    case quote:
      text += "\\"
      text.unicodeScalars.append(quote)
    case let scalar where scalar.isPythonPrintable: text.unicodeScalars.append(scalar)
    case let scalar:
      let hex = String(scalar.value, radix: 16)
      let (prefix, width) =
        scalar.value < 0x100 ? ("\\x", 2) : scalar.value < 0x10000 ? ("\\u", 4) : ("\\U", 8)
      text += prefix + String(repeating: "0", count: width - hex.count) + hex
    }
  }
  text.unicodeScalars.append(quote)
}

extension Unicode.Scalar {
  /// What Python's `str.isprintable` says.
  fileprivate var isPythonPrintable: Bool {
    if value < 0x7F { return value >= 0x20 }
    switch properties.generalCategory {
    case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator,
      .paragraphSeparator, .spaceSeparator:
      return false
    default: return true
    }
  }
}

/// Python's `repr()` of a float: the shortest digits that read back the same, in positional
/// notation for exponents from -4 up to 15.
func pythonRepresentation(of value: Double) -> String {
  if value.isNaN { return "nan" }
  if value.isInfinite { return value < 0 ? "-inf" : "inf" }
  let sign = value.sign == .minus ? "-" : ""
  if value == 0 { return sign + "0.0" }
  let (digits, exponent) = shortestDigits(of: value.magnitude)
  if exponent < -4 || exponent >= 16 {
    let fraction = digits.dropFirst()
    let power = String(exponent.magnitude)
    return sign + digits.prefix(1) + (fraction.isEmpty ? "" : "." + fraction) + "e"
      + (exponent < 0 ? "-" : "+") + (power.count < 2 ? "0" + power : power)
  }
  if exponent < 0 {
    return sign + "0." + String(repeating: "0", count: -exponent - 1) + digits
  }
  let whole = digits.prefix(exponent + 1)
  let fraction = digits.dropFirst(exponent + 1)
  return sign + whole + String(repeating: "0", count: exponent + 1 - whole.count) + "."
    + (fraction.isEmpty ? "0" : fraction)
}

/// The shortest decimal digits of a positive finite number, and the exponent of the first of them.
private func shortestDigits(of value: Double) -> (digits: String, exponent: Int) {
  var mantissa = Substring(value.description)
  var exponent = 0
  if let mark = mantissa.firstIndex(of: "e") {
    exponent = Int(mantissa[mantissa.index(after: mark)...].drop { $0 == "+" }) ?? 0
    mantissa = mantissa[..<mark]
  }
  let whole = mantissa.prefix { $0 != "." }
  let fraction = mantissa.dropFirst(whole.count + 1)
  var digits = Substring(whole + fraction)
  exponent += whole.count - 1
  while digits.count > 1, digits.first == "0" {
    digits.removeFirst()
    exponent -= 1
  }
  while digits.count > 1, digits.last == "0" { digits.removeLast() }
  return (String(digits), exponent)
}
