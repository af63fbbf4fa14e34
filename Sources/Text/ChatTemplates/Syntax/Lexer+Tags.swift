extension Lexer {
  /// Scans the inside of `{{ … }}` or `{% … %}`, from after its start to after its end.
  mutating func scanTag(isBlock: Bool) throws(TemplateFailure) {
    brackets = []
    while true {
      if brackets.isEmpty,
        let end = endOfTag(isBlock ? "%}" : "}}", at: position, trimsNewline: isBlock)
      {
        emit(isBlock ? .blockEnd : .variableEnd)
        advance(to: end)
        return
      }
      guard position < source.count else {
        throw failure("a tag is not closed")
      }
      let afterSpace = skippingSpace(from: position)
      if afterSpace > position {
        advance(to: afterSpace)
      } else {
        try scanToken()
      }
    }
  }

  private mutating func scanToken() throws(TemplateFailure) {
    let byte = source[position]
    switch byte {
    case ascii("\""), ascii("'"): try scanString(quote: byte)
    case ascii("0")...ascii("9"): try scanNumber()
    case ascii("a")...ascii("z"), ascii("A")...ascii("Z"), ascii("_"), 0x80...: try scanName()
    default: try scanSymbol()
    }
  }

  private mutating func scanName() throws(TemplateFailure) {
    var end = position
    while end < source.count, isNameByte(source[end]) { end += 1 }
    let name = String(decoding: source[position..<end], as: UTF8.self)
    let isName = name.unicodeScalars.allSatisfy { $0.isASCII || $0.properties.isXIDContinue }
    guard isName else { throw failure("unexpected character in '\(name)'") }
    emit(.name(name))
    position = end
  }

  private func isNameByte(_ byte: UInt8) -> Bool {
    switch byte {
    case ascii("a")...ascii("z"), ascii("A")...ascii("Z"), ascii("0")...ascii("9"), ascii("_"):
      true
    default: byte >= 0x80
    }
  }

  private mutating func scanNumber() throws(TemplateFailure) {
    var end = endOfDigits(from: position)
    var isFloat = false
    let followsDot = position > 0 && source[position - 1] == ascii(".")
    if !followsDot, end + 1 < source.count, source[end] == ascii("."), isDigit(source[end + 1]) {
      end = endOfDigits(from: end + 1)
      isFloat = true
    }
    if !followsDot, end + 1 < source.count, source[end] | 0x20 == ascii("e") {
      let hasSign = source[end + 1] == ascii("+") || source[end + 1] == ascii("-")
      let digits = end + (hasSign ? 2 : 1)
      if digits < source.count, isDigit(source[digits]) {
        end = endOfDigits(from: digits)
        isFloat = true
      }
    }
    if !isFloat, source[position] == ascii("0"), position + 2 < source.count,
      let radix = [ascii("x"): 16, ascii("o"): 8, ascii("b"): 2][source[position + 1] | 0x20]
    {
      try scanPrefixedInteger(radix: radix)
      return
    }
    let text = String(decoding: source[position..<end].filter { $0 != ascii("_") }, as: UTF8.self)
    if isFloat {
      guard let value = Double(text) else { throw failure("'\(text)' is not a number") }
      emit(.float(value))
    } else {
      guard let value = Int(text) else { throw failure("the integer \(text) does not fit 64 bits") }
      emit(.integer(value))
    }
    position = end
  }

  private mutating func scanPrefixedInteger(radix: Int) throws(TemplateFailure) {
    var end = position + 2
    while end < source.count, source[end] < 0x80,
      source[end] == ascii("_") || Character(Unicode.Scalar(source[end])).isHexDigit
    {
      end += 1
    }
    let digits = source[(position + 2)..<end].filter { $0 != ascii("_") }
    guard let value = Int(String(decoding: digits, as: UTF8.self), radix: radix) else {
      throw failure("an integer of base \(radix) does not fit 64 bits or has wrong digits")
    }
    emit(.integer(value))
    position = end
  }

  private func isDigit(_ byte: UInt8) -> Bool { ascii("0")...ascii("9") ~= byte }

  private func endOfDigits(from start: Int) -> Int {
    var end = start
    while end < source.count {
      let isSeparator =
        source[end] == ascii("_") && end > start && end + 1 < source.count
        && isDigit(source[end + 1]) && isDigit(source[end - 1])
      guard isDigit(source[end]) || isSeparator else { break }
      end += 1
    }
    return end
  }

  private mutating func scanSymbol() throws(TemplateFailure) {
    let one = String(decoding: source[position...position], as: UTF8.self)
    let two = String(decoding: source[position..<min(position + 2, source.count)], as: UTF8.self)
    guard let symbol = (two.utf8.count == 2 ? Symbol(rawValue: two) : nil) ?? Symbol(rawValue: one)
    else { throw failure("unexpected character '\(one)'") }
    switch symbol {
    case .leftBrace: brackets.append(.rightBrace)
    case .leftBracket: brackets.append(.rightBracket)
    case .leftParenthesis: brackets.append(.rightParenthesis)
    case .rightBrace, .rightBracket, .rightParenthesis:
      guard let expected = brackets.popLast() else {
        throw failure("unexpected '\(symbol.rawValue)'")
      }
      guard expected == symbol else {
        throw failure("unexpected '\(symbol.rawValue)', expected '\(expected.rawValue)'")
      }
    default: break
    }
    emit(.symbol(symbol))
    position += symbol.rawValue.utf8.count
  }

  // MARK: - Strings

  private mutating func scanString(quote: UInt8) throws(TemplateFailure) {
    var bytes: [UInt8] = []
    var index = position + 1
    while true {
      guard index < source.count else { throw failure("a string is not closed") }
      let byte = source[index]
      if byte == quote { break }
      if byte == ascii("\\") {
        index = try scanEscape(at: index + 1, into: &bytes)
      } else {
        bytes.append(byte)
        index += 1
      }
    }
    emit(.string(String(decoding: bytes, as: UTF8.self)))
    advance(to: index + 1)
  }

  /// Appends what the escape whose letter is at `index` stands for; the index after it.
  private func scanEscape(at index: Int, into bytes: inout [UInt8]) throws(TemplateFailure) -> Int {
    guard index < source.count else { throw failure("a string is not closed") }
    let letter = source[index]
    let simple: [UInt8: UInt8] = [
      ascii("n"): 10, ascii("t"): 9, ascii("r"): 13, ascii("a"): 7, ascii("b"): 8, ascii("f"): 12,
      ascii("v"): 11, ascii("\\"): ascii("\\"), ascii("'"): ascii("'"), ascii("\""): ascii("\""),
    ]
    if let byte = simple[letter] {
      bytes.append(byte)
      return index + 1
    }
    switch letter {
    case ascii("\n"): return index + 1
    case ascii("x"): return try scanCode(at: index + 1, digits: 2...2, radix: 16, into: &bytes)
    case ascii("u"): return try scanCode(at: index + 1, digits: 4...4, radix: 16, into: &bytes)
    case ascii("U"): return try scanCode(at: index + 1, digits: 8...8, radix: 16, into: &bytes)
    case ascii("0")...ascii("7"):
      return try scanCode(at: index, digits: 1...3, radix: 8, into: &bytes)
    case ascii("N"): throw failure("named characters (\\N{…}) are not supported")
    default:
      bytes.append(ascii("\\"))
      return index
    }
  }

  private func scanCode(
    at start: Int,
    digits: ClosedRange<Int>,
    radix: UInt32,
    into bytes: inout [UInt8]
  ) throws(TemplateFailure) -> Int {
    var index = start
    var code: UInt32 = 0
    while index < source.count, index - start < digits.upperBound, source[index] < 0x80,
      let digit = Character(Unicode.Scalar(source[index])).hexDigitValue, digit < radix
    {
      code = code &* radix &+ UInt32(digit)
      index += 1
    }
    guard index - start >= digits.lowerBound, let scalar = Unicode.Scalar(code) else {
      throw failure("a string has an escape that is not a character")
    }
    bytes.append(contentsOf: Array(String(Character(scalar)).utf8))
    return index
  }
}
