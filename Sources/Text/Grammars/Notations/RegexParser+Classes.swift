import MeshTypes

extension RegexParser {
  mutating func parseClass() throws(MeshError) -> ScalarSet {
    let start = cursor
    cursor.position += 1
    let isComplement = cursor.take("^")
    var ranges: [ClosedRange<UInt32>] = []
    while let scalar = cursor.current, scalar != "]" {
      try budget.spend()
      if scalar == "[", let next = cursor.peek(1), [":", ".", "="].contains(next) {
        throw unsupported("POSIX classes are not known")
      }
      let low = try parseClassMember()
      guard cursor.current == "-", let next = cursor.peek(1), next != "]" else {
        ranges += low.ranges
        continue
      }
      cursor.position += 1
      let high = try parseClassMember()
      guard let first = low.single, let last = high.single else {
        throw invalid("a range must lie between two characters")
      }
      guard first <= last else { throw invalid("a range's ends are the wrong way round") }
      ranges.append(first...last)
    }
    guard cursor.take("]") else {
      cursor = start
      throw invalid("'[' is not closed")
    }
    let set = ScalarSet(ranges)
    guard isComplement || !set.isEmpty else { throw invalid("an empty class") }
    return isComplement ? set.complement : set
  }

  private mutating func parseClassMember() throws(MeshError) -> ScalarSet {
    if cursor.current == "\\" { return try parseEscape() }
    guard let scalar = cursor.next() else { throw invalid("'[' is not closed") }
    return ScalarSet([scalar.value...scalar.value])
  }

  mutating func parseEscape() throws(MeshError) -> ScalarSet {
    let start = cursor
    cursor.position += 1
    guard let letter = cursor.next() else { throw invalid("expected an escaped character") }
    switch letter {
    case "d": return .digits
    case "D": return ScalarSet.digits.complement
    case "w": return .word
    case "W": return ScalarSet.word.complement
    case "s": return .space
    case "S": return ScalarSet.space.complement
    case "t": return ScalarSet([9...9])
    case "n": return ScalarSet([10...10])
    case "v": return ScalarSet([11...11])
    case "f": return ScalarSet([12...12])
    case "r": return ScalarSet([13...13])
    case "x":
      guard let code = cursor.takeHexadecimal(2) else { throw invalid("expected two hex digits") }
      return ScalarSet([code...code])
    case "u": return try parseUnicodeEscape()
    default:
      if letter == "0", !("0"..."9").contains(cursor.current ?? "a") { return ScalarSet([0...0]) }
      guard letter.isASCII, !Character(letter).isLetter, !Character(letter).isNumber else {
        cursor = start
        throw unsupported("\\\(letter) is not known")
      }
      return ScalarSet([letter.value...letter.value])
    }
  }

  /// `\u{1F600}`, `\u0041` or a pair of surrogates.
  private mutating func parseUnicodeEscape() throws(MeshError) -> ScalarSet {
    var code: UInt32?
    if cursor.take("{") {
      let count = (1...6).first { cursor.peek($0) == "}" }
      code = count.flatMap { cursor.takeHexadecimal($0) }
      _ = cursor.take("}")
    } else {
      code = cursor.takeHexadecimal(4)
      if let high = code, (0xD800...0xDBFF).contains(high), cursor.take("\\u"),
        let low = cursor.takeHexadecimal(4), (0xDC00...0xDFFF).contains(low)
      {
        code = 0x10000 + (high - 0xD800) << 10 + (low - 0xDC00)
      }
    }
    guard let code, let scalar = Unicode.Scalar(code) else {
      throw invalid("expected the digits of a Unicode scalar")
    }
    return ScalarSet([scalar.value...scalar.value])
  }
}

extension ScalarSet {
  /// The only scalar of the set, if it has one.
  fileprivate var single: UInt32? {
    ranges.count == 1 && ranges[0].count == 1 ? ranges[0].lowerBound : nil
  }
}
