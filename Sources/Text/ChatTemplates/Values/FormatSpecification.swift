/// Python's format specification: `[[fill]align][sign][#][0][width][,][.precision][type]`.
struct FormatSpecification {
  var fill: Unicode.Scalar = " "
  /// `<`, `>`, `^` or `=`; `nil` is what the type has by itself.
  var alignment: Unicode.Scalar?
  var sign: Unicode.Scalar = "-"
  var isAlternate = false
  var isZeroPadded = false
  var width = 0
  var grouping: Unicode.Scalar?
  var precision: Int?
  var type: Unicode.Scalar?

  /// The widest field and largest precision that are made.
  private static let maximumWidth = 1000

  /// No specification at all.
  init() {}

  /// Reads what follows the colon in `{:…}`.
  init(_ text: String) throws(TemplateFailure) {
    var scalars = Array(text.unicodeScalars)[...]
    let alignments: Set<Unicode.Scalar> = ["<", ">", "^", "="]
    if scalars.count > 1, alignments.contains(scalars[1]) {
      fill = scalars[0]
      alignment = scalars[1]
      scalars = scalars.dropFirst(2)
    } else if let first = scalars.first, alignments.contains(first) {
      alignment = first
      scalars = scalars.dropFirst()
    }
    if let first = scalars.first, ["+", "-", " "].contains(first) {
      sign = first
      scalars = scalars.dropFirst()
    }
    if scalars.first == "#" {
      isAlternate = true
      scalars = scalars.dropFirst()
    }
    if scalars.first == "0" {
      isZeroPadded = true
      scalars = scalars.dropFirst()
    }
    width = try Self.takeNumber(&scalars) ?? 0
    if let first = scalars.first, first == "," || first == "_" {
      grouping = first
      scalars = scalars.dropFirst()
    }
    if scalars.first == "." {
      scalars = scalars.dropFirst()
      guard let digits = try Self.takeNumber(&scalars) else {
        throw TemplateFailure("format specifier missing precision")
      }
      precision = digits
    }
    type = scalars.first
    guard scalars.count <= 1 else { throw TemplateFailure("invalid format specifier '\(text)'") }
  }

  private static func takeNumber(
    _ scalars: inout ArraySlice<Unicode.Scalar>
  ) throws(TemplateFailure) -> Int? {
    let digits = scalars.prefix { ("0"..."9").contains($0) }
    guard !digits.isEmpty else { return nil }
    scalars = scalars.dropFirst(digits.count)
    guard let number = Int(String(scalars: digits)) else {
      throw TemplateFailure("too many decimal digits in format string")
    }
    return number
  }

  /// A value in this format.
  func format(_ value: Value) throws(TemplateFailure) -> String {
    guard width <= Self.maximumWidth, precision ?? 0 <= Self.maximumWidth else {
      throw .limit("the width and precision of a format", Self.maximumWidth)
    }
    switch value {
    case .string(let text):
      guard type == nil || type == "s" else { throw unknownType(value) }
      let scalars = Array(text.unicodeScalars)
      return pad(String(scalars: scalars.prefix(precision ?? scalars.count)), "", "<")
    case .boolean(let value) where isEmpty: return value ? "True" : "False"
    case .boolean, .integer:
      let integer = value.asInteger ?? 0
      if let type, ["e", "E", "f", "F", "g", "G", "%"].contains(type) {
        return try format(float: Double(integer))
      }
      return try format(integer: integer)
    case .float(let number): return try format(float: number)
    default:
      throw TemplateFailure("unsupported format string passed to \(value.typeName).__format__")
    }
  }

  private var isEmpty: Bool {
    width == 0 && type == nil && precision == nil && alignment == nil && grouping == nil
      && !isAlternate && !isZeroPadded && sign == "-"
  }

  private func unknownType(_ value: Value) -> TemplateFailure {
    TemplateFailure(
      "unknown format code '\(type.map { String(Character($0)) } ?? "")' for object of type "
        + "'\(value.typeName)'"
    )
  }

  private func format(integer: Int) throws(TemplateFailure) -> String {
    let magnitude = integer.magnitude
    var digits: String
    var prefix = ""
    switch type {
    case nil, "d", "n": digits = grouped(String(magnitude))
    case "x": (digits, prefix) = (String(magnitude, radix: 16), "0x")
    case "X": (digits, prefix) = (String(magnitude, radix: 16, uppercase: true), "0X")
    case "o": (digits, prefix) = (String(magnitude, radix: 8), "0o")
    case "b": (digits, prefix) = (String(magnitude, radix: 2), "0b")
    case "c":
      guard let code = UInt32(exactly: integer), let scalar = Unicode.Scalar(code) else {
        throw TemplateFailure("%c arg not in range(0x110000)")
      }
      return pad(String(Character(scalar)), "", "<")
    default: throw unknownType(.integer(integer))
    }
    if let precision {
      digits = String(repeating: "0", count: max(0, precision - digits.utf8.count)) + digits
    }
    return pad(digits, signText(integer < 0) + (isAlternate ? prefix : ""), ">")
  }

  private func signText(_ isNegative: Bool) -> String {
    isNegative ? "-" : sign == "-" ? "" : String(Character(sign))
  }

  private func format(float number: Double) throws(TemplateFailure) -> String {
    let sign = signText(number.sign == .minus && !number.isNaN)
    guard number.isFinite else {
      return pad(number.isNaN ? "nan" : "inf", sign, ">")
    }
    let magnitude = number.magnitude
    switch type {
    case "f", "F": return pad(grouped(fixedPoint(magnitude, digits: precision ?? 6)), sign, ">")
    case "%":
      return pad(grouped(fixedPoint(magnitude * 100, digits: precision ?? 6)) + "%", sign, ">")
    case "e", "E":
      let text = scientific(magnitude, digits: precision ?? 6)
      return pad(type == "E" ? uppercased(text) : text, sign, ">")
    case "g", "G", nil:
      guard type != nil || precision != nil else {
        return pad(grouped(pythonRepresentation(of: magnitude)), sign, ">")
      }
      let text = general(magnitude)
      return pad(type == "G" ? uppercased(text) : grouped(text), sign, ">")
    default: throw unknownType(.float(number))
    }
  }

  /// `d.ddde±dd`
  private func scientific(_ number: Double, digits: Int) -> String {
    guard number != 0 else { return fixedPoint(0, digits: digits) + "e+00" }
    // All digits of the number, exactly, rounded at the last one that is wanted.
    let whole = fixedPoint(number, digits: 1090).utf8.filter { $0 != ascii(".") }
    let zeros = whole.prefix { $0 == ascii("0") }.count
    var exponent = whole.count - 1091 - zeros
    var kept = Array(whole[zeros..<min(zeros + digits + 1, whole.count)])
    kept += Array(repeating: ascii("0"), count: digits + 1 - kept.count)
    if roundsUp(Array(whole.dropFirst(zeros + digits + 1)), after: kept.last ?? 0) {
      var index = kept.count - 1
      while index >= 0, kept[index] == ascii("9") {
        kept[index] = ascii("0")
        index -= 1
      }
      if index >= 0 {
        kept[index] += 1
      } else {
        kept = [ascii("1")] + kept.dropLast()
        exponent += 1
      }
    }
    let text = String(decoding: kept, as: UTF8.self)
    let power = String(exponent.magnitude)
    return text.prefix(1) + (digits > 0 ? "." + text.dropFirst() : "") + "e"
      + (exponent < 0 ? "-" : "+") + (power.utf8.count < 2 ? "0" + power : power)
  }

  private func roundsUp(_ rest: [UInt8], after last: UInt8) -> Bool {
    guard let first = rest.first, first >= ascii("5") else { return false }
    return first > ascii("5") || rest.dropFirst().contains { $0 != ascii("0") } || last % 2 == 1
  }

  private func general(_ number: Double) -> String {
    let digits = max(1, precision ?? 6)
    let scientific = scientific(number, digits: digits - 1)
    let mark = scientific.firstIndex(of: "e") ?? scientific.endIndex
    let exponent = Int(scientific[mark...].dropFirst().drop { $0 == "+" }) ?? 0
    let limit = type == nil ? digits - 1 : digits
    guard exponent < -4 || exponent >= max(limit, 1) else {
      let text = trimmed(fixedPoint(number, digits: max(0, digits - 1 - exponent)))
      return type == nil && !text.utf8.contains(ascii(".")) ? text + ".0" : text
    }
    return trimmed(String(scientific[..<mark])) + scientific[mark...]
  }

  /// Without zeros at the end of a fraction.
  private func trimmed(_ text: String) -> String {
    guard !isAlternate, text.utf8.contains(ascii(".")) else { return text }
    var text = Substring(text)
    while text.last == "0" { text.removeLast() }
    if text.last == "." { text.removeLast() }
    return String(text)
  }

  /// With a separator between groups of three digits before the point.
  private func grouped(_ text: String) -> String {
    guard let grouping else { return text }
    let whole = Array(text.unicodeScalars.prefix { $0 != "." && $0 != "e" })
    var result = String.UnicodeScalarView()
    for (index, digit) in whole.enumerated() {
      if index > 0, (whole.count - index) % 3 == 0 { result.append(grouping) }
      result.append(digit)
    }
    return String(result) + String(text.unicodeScalars.dropFirst(whole.count))
  }

  private func pad(_ body: String, _ prefix: String, _ natural: Unicode.Scalar) -> String {
    let missing = width - body.unicodeScalars.count - prefix.unicodeScalars.count
    guard missing > 0 else { return prefix + body }
    let isNumeric = natural == ">"
    let fillsZeros = isZeroPadded && alignment == nil
    let filler = String(repeating: fillsZeros ? "0" : String(Character(fill)), count: missing)
    switch alignment ?? (fillsZeros && isNumeric ? "=" : natural) {
    case "<": return prefix + body + filler
    case "^":
      let left = missing / 2
      return filler.prefix(left) + prefix + body + filler.dropFirst(left)
    case "=": return prefix + filler + body
    default: return filler + prefix + body
    }
  }
}
