/// Why a text is not JSON that may be read.
struct JSONSyntaxError: Error {
  var message: String

  init(_ message: String) { self.message = message }
}

/// A recursive-descent parser of RFC 8259 with a bound on depth.
struct JSONParser {
  /// Valid UTF-8.
  private let bytes: [UInt8]
  private let limits: JSONLimits
  private var position = 0
  private var depth = 0
  private var valueCount = 0

  init(_ bytes: [UInt8], limits: JSONLimits) {
    self.bytes = bytes
    self.limits = limits
  }

  mutating func parseDocument() throws(JSONSyntaxError) -> JSONValue {
    let value = try parseValue()
    skipSpace()
    guard position == bytes.count else { throw failure("unexpected text after the value") }
    return value
  }

  private func failure(_ message: String) -> JSONSyntaxError {
    JSONSyntaxError("is not valid at byte \(position): \(message)")
  }

  private mutating func skipSpace() {
    while position < bytes.count {
      switch bytes[position] {
      case 0x20, 0x09, 0x0A, 0x0D: position += 1
      default: return
      }
    }
  }

  private mutating func take(_ byte: UInt8) -> Bool {
    guard position < bytes.count, bytes[position] == byte else { return false }
    position += 1
    return true
  }

  private mutating func takeWord(_ word: StaticString) -> Bool {
    let word = "\(word)".utf8
    guard bytes[position...].starts(with: word) else { return false }
    position += word.count
    return true
  }

  private mutating func parseValue() throws(JSONSyntaxError) -> JSONValue {
    skipSpace()
    guard position < bytes.count else { throw failure("expected a value") }
    valueCount += 1
    guard valueCount <= limits.valueCount else {
      throw failure("there must be at most \(limits.valueCount) values")
    }
    switch bytes[position] {
    case UInt8(ascii: "{"): return try parseObject()
    case UInt8(ascii: "["): return try parseArray()
    case UInt8(ascii: "\""): return .string(try parseString())
    case UInt8(ascii: "t") where takeWord("true"): return .boolean(true)
    case UInt8(ascii: "f") where takeWord("false"): return .boolean(false)
    case UInt8(ascii: "n") where takeWord("null"): return .null
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try parseNumber()
    default: throw failure("expected a value")
    }
  }

  private mutating func enter() throws(JSONSyntaxError) {
    guard depth < limits.depth else {
      throw failure("nesting must be at most \(limits.depth) levels deep")
    }
    depth += 1
    position += 1
  }

  private mutating func parseArray() throws(JSONSyntaxError) -> JSONValue {
    try enter()
    var items: [JSONValue] = []
    skipSpace()
    if !take(UInt8(ascii: "]")) {
      repeat {
        items.append(try parseValue())
        skipSpace()
      } while take(UInt8(ascii: ","))
      guard take(UInt8(ascii: "]")) else { throw failure("expected ',' or ']'") }
    }
    depth -= 1
    return .array(items)
  }

  private mutating func parseObject() throws(JSONSyntaxError) -> JSONValue {
    try enter()
    var members: [JSONValue.Member] = []
    skipSpace()
    if !take(UInt8(ascii: "}")) {
      repeat {
        members.append(try parseMember())
        skipSpace()
      } while take(UInt8(ascii: ","))
      guard take(UInt8(ascii: "}")) else { throw failure("expected ',' or '}'") }
    }
    depth -= 1
    return .object(members)
  }

  private mutating func parseMember() throws(JSONSyntaxError) -> JSONValue.Member {
    skipSpace()
    guard position < bytes.count, bytes[position] == UInt8(ascii: "\"") else {
      throw failure("expected a key")
    }
    let key = try parseString()
    skipSpace()
    guard take(UInt8(ascii: ":")) else { throw failure("expected ':'") }
    return JSONValue.Member(key: key, value: try parseValue())
  }

  private mutating func parseNumber() throws(JSONSyntaxError) -> JSONValue {
    let start = position
    _ = take(UInt8(ascii: "-"))
    if !take(UInt8(ascii: "0")) { try skipDigits() }
    var isWhole = true
    if take(UInt8(ascii: ".")) {
      isWhole = false
      try skipDigits()
    }
    if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
      isWhole = false
      if !take(UInt8(ascii: "+")) { _ = take(UInt8(ascii: "-")) }
      try skipDigits()
    }
    let text = String(decoding: bytes[start..<position], as: UTF8.self)
    if isWhole, let value = Int(text) { return .integer(value) }
    guard let value = Double(text), value.isFinite else {
      throw failure("the number \(text.prefix(40)) does not fit 64 bits")
    }
    return .number(value)
  }

  private mutating func skipDigits() throws(JSONSyntaxError) {
    let start = position
    while position < bytes.count, bytes[position] &- 0x30 < 10 { position += 1 }
    guard position > start else { throw failure("expected a digit") }
  }
}

// MARK: Strings

extension JSONParser {
  private mutating func parseString() throws(JSONSyntaxError) -> String {
    position += 1
    let start = position
    while position < bytes.count {
      switch bytes[position] {
      case UInt8(ascii: "\""):
        defer { position += 1 }
        return String(decoding: bytes[start..<position], as: UTF8.self)
      case UInt8(ascii: "\\"): return try parseEscapedString(from: start)
      case 0..<32: throw failure("a control character in a string")
      default: position += 1
      }
    }
    throw failure("a string is not closed")
  }

  /// Goes on with a string that begins at `start` and has an escape at ``position``.
  private mutating func parseEscapedString(from start: Int) throws(JSONSyntaxError) -> String {
    var text = Array(bytes[start..<position])
    while position < bytes.count {
      let byte = bytes[position]
      position += 1
      switch byte {
      case UInt8(ascii: "\""): return String(decoding: text, as: UTF8.self)
      case UInt8(ascii: "\\"): try parseEscape(into: &text)
      case 0..<32: throw failure("a control character in a string")
      default: text.append(byte)
      }
    }
    throw failure("a string is not closed")
  }

  private mutating func parseEscape(into text: inout [UInt8]) throws(JSONSyntaxError) {
    guard position < bytes.count else { throw failure("a string is not closed") }
    let letter = bytes[position]
    position += 1
    switch letter {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(letter)
    case UInt8(ascii: "b"): text.append(0x08)
    case UInt8(ascii: "f"): text.append(0x0C)
    case UInt8(ascii: "n"): text.append(0x0A)
    case UInt8(ascii: "r"): text.append(0x0D)
    case UInt8(ascii: "t"): text.append(0x09)
    case UInt8(ascii: "u"): text += String(Character(try parseScalar())).utf8
    default: throw failure("an unknown escape")
    }
  }

  private mutating func parseScalar() throws(JSONSyntaxError) -> Unicode.Scalar {
    let first = try parseFourDigits()
    if let scalar = Unicode.Scalar(first) { return scalar }
    guard first < 0xDC00, takeWord("\\u") else { throw failure("an unpaired surrogate") }
    let second = try parseFourDigits()
    guard 0xDC00...0xDFFF ~= second,
      let scalar = Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00))
    else { throw failure("an unpaired surrogate") }
    return scalar
  }

  private mutating func parseFourDigits() throws(JSONSyntaxError) -> UInt32 {
    guard position + 4 <= bytes.count else { throw failure("expected four hexadecimal digits") }
    var code: UInt32 = 0
    for byte in bytes[position..<(position + 4)] {
      guard byte < 0x80, let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
        throw failure("expected four hexadecimal digits")
      }
      code = code << 4 | UInt32(digit)
    }
    position += 4
    return code
  }
}
