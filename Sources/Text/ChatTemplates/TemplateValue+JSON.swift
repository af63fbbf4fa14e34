package import MeshTypes

extension TemplateValue {
  /// The most bytes of JSON text that are read.
  package static let maximumJSONBytes = 16 << 20
  /// How deep arrays and objects may nest.
  package static let maximumJSONDepth = 60

  /// Reads JSON, keeping the order of keys.
  ///
  /// - Throws: ``MeshError`` `invalidArgument` with the byte offset of the first error: wrong
  ///   syntax, too long or deep, an integer beyond 64 bits, or an unpaired surrogate.
  package init(parsingJSON text: String) throws(MeshError) {
    do {
      var parser = try JSONParser(text)
      self = try parser.parseDocument()
    } catch {
      throw .invalid("json", error.message)
    }
  }
}

/// A recursive-descent parser of RFC 8259 with a bound on depth.
private struct JSONParser {
  private let bytes: [UInt8]
  private var position = 0
  private var depth = 0

  init(_ text: String) throws(TemplateFailure) {
    guard text.utf8.count <= TemplateValue.maximumJSONBytes else {
      throw .limit("its bytes", TemplateValue.maximumJSONBytes)
    }
    bytes = Array(text.utf8)
  }

  mutating func parseDocument() throws(TemplateFailure) -> TemplateValue {
    let value = try parseValue()
    skipSpace()
    guard position == bytes.count else { throw failure("unexpected text after the value") }
    return value
  }

  private func failure(_ message: String) -> TemplateFailure {
    TemplateFailure("is not valid at byte \(position): \(message)")
  }

  private mutating func skipSpace() {
    while position < bytes.count, [32, 9, 10, 13].contains(bytes[position]) { position += 1 }
  }

  private mutating func take(_ byte: UInt8) -> Bool {
    guard position < bytes.count, bytes[position] == byte else { return false }
    position += 1
    return true
  }

  private mutating func takeWord(_ word: String) -> Bool {
    guard bytes[position...].starts(with: word.utf8) else { return false }
    position += word.utf8.count
    return true
  }

  private mutating func parseValue() throws(TemplateFailure) -> TemplateValue {
    skipSpace()
    guard position < bytes.count else { throw failure("expected a value") }
    switch bytes[position] {
    case ascii("{"):
      return try nested { (parser) throws(TemplateFailure) in try parser.parseObject() }
    case ascii("["):
      return try nested { (parser) throws(TemplateFailure) in try parser.parseArray() }
    case ascii("\""): return .string(try parseString())
    case ascii("t") where takeWord("true"): return .boolean(true)
    case ascii("f") where takeWord("false"): return .boolean(false)
    case ascii("n") where takeWord("null"): return .none
    case ascii("-"), ascii("0")...ascii("9"): return try parseNumber()
    default: throw failure("expected a value")
    }
  }

  private mutating func nested(
    _ parse: (inout JSONParser) throws(TemplateFailure) -> TemplateValue
  ) throws(TemplateFailure) -> TemplateValue {
    guard depth < TemplateValue.maximumJSONDepth else {
      throw failure("nesting must be at most \(TemplateValue.maximumJSONDepth) levels deep")
    }
    depth += 1
    defer { depth -= 1 }
    position += 1
    return try parse(&self)
  }

  private mutating func parseArray() throws(TemplateFailure) -> TemplateValue {
    var items: [TemplateValue] = []
    skipSpace()
    if take(ascii("]")) { return .array(items) }
    while true {
      items.append(try parseValue())
      skipSpace()
      if take(ascii("]")) { return .array(items) }
      guard take(ascii(",")) else { throw failure("expected ',' or ']'") }
    }
  }

  private mutating func parseObject() throws(TemplateFailure) -> TemplateValue {
    var pairs: [TemplateObject.Pair] = []
    skipSpace()
    if take(ascii("}")) { return .object(TemplateObject(pairs)) }
    while true {
      skipSpace()
      guard position < bytes.count, bytes[position] == ascii("\"") else {
        throw failure("expected a key")
      }
      let key = try parseString()
      skipSpace()
      guard take(ascii(":")) else { throw failure("expected ':'") }
      pairs.append(.init(key: key, value: try parseValue()))
      skipSpace()
      if take(ascii("}")) { return .object(TemplateObject(pairs)) }
      guard take(ascii(",")) else { throw failure("expected ',' or '}'") }
    }
  }

  private mutating func parseNumber() throws(TemplateFailure) -> TemplateValue {
    let start = position
    _ = take(ascii("-"))
    if !take(ascii("0")) { try skipDigits() }
    var isFloat = false
    if take(ascii(".")) {
      isFloat = true
      try skipDigits()
    }
    if take(ascii("e")) || take(ascii("E")) {
      isFloat = true
      if !take(ascii("+")) { _ = take(ascii("-")) }
      try skipDigits()
    }
    let text = String(decoding: bytes[start..<position], as: UTF8.self)
    if isFloat, let value = Double(text) { return .float(value) }
    guard !isFloat, let value = Int(text) else {
      throw failure("the number \(text.prefix(40)) does not fit 64 bits")
    }
    return .integer(value)
  }

  private mutating func skipDigits() throws(TemplateFailure) {
    let start = position
    while position < bytes.count, ascii("0")...ascii("9") ~= bytes[position] { position += 1 }
    guard position > start else { throw failure("expected a digit") }
  }

  private mutating func parseString() throws(TemplateFailure) -> String {
    position += 1
    var text: [UInt8] = []
    while position < bytes.count {
      let byte = bytes[position]
      position += 1
      switch byte {
      case ascii("\""): return String(decoding: text, as: UTF8.self)
      case ascii("\\"): try parseEscape(into: &text)
      case 0..<32: throw failure("a control character in a string")
      default: text.append(byte)
      }
    }
    throw failure("a string is not closed")
  }

  private mutating func parseEscape(into text: inout [UInt8]) throws(TemplateFailure) {
    guard position < bytes.count else { throw failure("a string is not closed") }
    let letter = bytes[position]
    position += 1
    switch letter {
    case ascii("\""), ascii("\\"), ascii("/"): text.append(letter)
    case ascii("b"): text.append(8)
    case ascii("f"): text.append(12)
    case ascii("n"): text.append(10)
    case ascii("r"): text.append(13)
    case ascii("t"): text.append(9)
    case ascii("u"): text.append(contentsOf: Array(String(Character(try parseScalar())).utf8))
    default: throw failure("an unknown escape")
    }
  }

  private mutating func parseScalar() throws(TemplateFailure) -> Unicode.Scalar {
    let first = try parseFourDigits()
    if let scalar = Unicode.Scalar(first) { return scalar }
    guard first < 0xDC00, takeWord("\\u") else { throw failure("an unpaired surrogate") }
    let second = try parseFourDigits()
    guard 0xDC00...0xDFFF ~= second,
      let scalar = Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00))
    else { throw failure("an unpaired surrogate") }
    return scalar
  }

  private mutating func parseFourDigits() throws(TemplateFailure) -> UInt32 {
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
