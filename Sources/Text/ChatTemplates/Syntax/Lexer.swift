/// Cuts template source into tokens as Jinja's lexer does with `trim_blocks`, `lstrip_blocks` and
/// without `keep_trailing_newline`: the settings that Hugging Face's chat templates run with.
struct Lexer {
  let source: [UInt8]
  var position = 0
  var line = 1
  private(set) var tokens: [(token: Token, line: Int)] = []
  /// Open brackets inside the current tag; `}}` and `%}` end the tag only when there are none.
  var brackets: [Symbol] = []

  private init(_ source: String) {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(source.utf8.count)
    var previous: UInt8 = 0
    for byte in source.utf8 {
      if byte == ascii("\r") {
        bytes.append(ascii("\n"))
      } else if byte != ascii("\n") || previous != ascii("\r") {
        bytes.append(byte)
      }
      previous = byte
    }
    if bytes.last == ascii("\n") { bytes.removeLast() }
    self.source = bytes
  }

  /// All tokens of `source`, each with its line, ``Token/end`` last.
  static func tokenize(_ source: String) throws(TemplateFailure) -> [(token: Token, line: Int)] {
    var lexer = Lexer(source)
    while lexer.position < lexer.source.count { try lexer.scanRoot() }
    lexer.emit(.end)
    return lexer.tokens
  }

  /// A failure at the current line.
  func failure(_ message: String) -> TemplateFailure { TemplateFailure(message, line: line) }

  mutating func emit(_ token: Token) { tokens.append((token, line)) }

  /// Moves forward, counting lines.
  mutating func advance(to end: Int) {
    for index in position..<end where source[index] == ascii("\n") { line += 1 }
    position = end
  }

  /// Whether the source continues with `text` at `index`.
  func matches(_ text: String, at index: Int) -> Bool {
    let count = text.utf8.count
    guard index >= 0, index + count <= source.count else { return false }
    return text.utf8.elementsEqual(source[index..<(index + count)])
  }

  // MARK: - Outside of tags

  private mutating func scanRoot() throws(TemplateFailure) {
    let start = position
    guard let tag = nextTag(from: start) else {
      emitText(start..<source.count)
      advance(to: source.count)
      return
    }
    let sign = tag + 2 < source.count ? source[tag + 2] : 0
    let hasSign = sign == ascii("-") || sign == ascii("+")
    var textEnd = tag
    if sign == ascii("-") {
      textEnd = endDroppingSpace(start..<tag)
    } else if sign != ascii("+"), source[tag + 1] != ascii("{") {
      textEnd = endDroppingIndentation(start..<tag)
    }
    emitText(start..<textEnd)
    advance(to: tag)
    let inside = tag + (hasSign ? 3 : 2)
    switch source[tag + 1] {
    case ascii("#"): try scanComment(from: inside)
    case ascii("{"):
      emit(.variableBegin)
      advance(to: inside)
      try scanTag(isBlock: false)
    default:
      if let rawStart = endOfRawBegin(inside) {
        try scanRaw(from: rawStart)
        return
      }
      emit(.blockBegin)
      advance(to: inside)
      try scanTag(isBlock: true)
    }
  }

  private func nextTag(from start: Int) -> Int? {
    var index = start
    while index + 1 < source.count {
      if source[index] == ascii("{") {
        let next = source[index + 1]
        if next == ascii("{") || next == ascii("%") || next == ascii("#") { return index }
      }
      index += 1
    }
    return nil
  }

  private mutating func emitText(_ range: Range<Int>) {
    if !range.isEmpty { emit(.text(String(decoding: source[range], as: UTF8.self))) }
  }

  /// Where the text ends when white space before `range`'s end is dropped.
  private func endDroppingSpace(_ range: Range<Int>) -> Int {
    let text = String(decoding: source[range], as: UTF8.self)
    return range.lowerBound + text.trimmed(left: false).utf8.count
  }

  /// Where the text ends when a tag's own indentation, back to the start of its line, is dropped.
  private func endDroppingIndentation(_ range: Range<Int>) -> Int {
    var lineStart = range.upperBound
    while lineStart > range.lowerBound, source[lineStart - 1] != ascii("\n") { lineStart -= 1 }
    let isAtLineStart =
      lineStart > range.lowerBound || lineStart == 0 || source[lineStart - 1] == ascii("\n")
    guard isAtLineStart else { return range.upperBound }
    let indentation = String(decoding: source[lineStart..<range.upperBound], as: UTF8.self)
    return indentation.unicodeScalars.allSatisfy(\.isPythonSpace) ? lineStart : range.upperBound
  }

  /// The index after white space from `index` on.
  func skippingSpace(from index: Int) -> Int {
    var index = index
    while index < source.count {
      let byte = source[index]
      if byte < 0x80 {
        guard Unicode.Scalar(byte).isPythonSpace else { return index }
        index += 1
      } else {
        let end = min(index + 4, source.count)
        guard
          let scalar = String(decoding: source[index..<end], as: UTF8.self).unicodeScalars.first,
          scalar.isPythonSpace
        else { return index }
        index += UTF8.width(scalar)
      }
    }
    return index
  }

  /// The index after a tag's end (`%}`, `-%}`, `+%}` and the white space it eats) at `index`.
  func endOfTag(_ end: String, at index: Int, trimsNewline: Bool) -> Int? {
    if matches(end, at: index) {
      let after = index + 2
      return trimsNewline && matches("\n", at: after) ? after + 1 : after
    }
    guard index < source.count, matches(end, at: index + 1) else { return nil }
    if source[index] == ascii("-") { return skippingSpace(from: index + 3) }
    return trimsNewline && source[index] == ascii("+") ? index + 3 : nil
  }

  private mutating func scanComment(from start: Int) throws(TemplateFailure) {
    var index = start
    while index < source.count {
      if let end = endOfTag("#}", at: index, trimsNewline: true) {
        advance(to: end)
        return
      }
      index += 1
    }
    throw failure("a comment is not closed")
  }

  /// The index after `raw %}` when the block that starts before `index` is a raw block.
  private func endOfRawBegin(_ index: Int) -> Int? {
    let name = skippingSpace(from: index)
    guard matches("raw", at: name) else { return nil }
    let end = skippingSpace(from: name + 3)
    return endOfTag("%}", at: end, trimsNewline: false)
  }

  private mutating func scanRaw(from start: Int) throws(TemplateFailure) {
    var index = start
    while index < source.count {
      if matches("{%", at: index) {
        let sign = index + 2 < source.count ? source[index + 2] : 0
        let hasSign = sign == ascii("-") || sign == ascii("+")
        let name = skippingSpace(from: index + (hasSign ? 3 : 2))
        if matches("endraw", at: name),
          let end = endOfTag("%}", at: skippingSpace(from: name + 6), trimsNewline: true)
        {
          var textEnd = index
          if sign == ascii("-") {
            textEnd = endDroppingSpace(start..<index)
          } else if sign != ascii("+") {
            textEnd = endDroppingIndentation(start..<index)
          }
          emitText(start..<textEnd)
          advance(to: end)
          return
        }
      }
      index += 1
    }
    throw failure("a raw block is not closed")
  }
}

/// The byte of an ASCII character.
@inline(__always)
func ascii(_ character: Unicode.Scalar) -> UInt8 { UInt8(truncatingIfNeeded: character.value) }
