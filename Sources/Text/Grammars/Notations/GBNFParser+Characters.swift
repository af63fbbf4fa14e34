import MeshTypes

extension GBNFParser {
  mutating func parseLiteral() throws(MeshError) -> Expression {
    cursor.position += 1
    var text = String.UnicodeScalarView()
    while cursor.current != "\"" { text.append(try parseCharacter()) }
    cursor.position += 1
    return .text(String(text))
  }

  mutating func parseClass() throws(MeshError) -> ScalarSet {
    cursor.position += 1
    let isComplement = cursor.take("^")
    var ranges: [ClosedRange<UInt32>] = []
    while cursor.current != "]" {
      let low = try parseCharacter().value
      var high = low
      if cursor.current == "-", cursor.peek(1) != "]" {
        cursor.position += 1
        high = try parseCharacter().value
      }
      guard low <= high else { throw invalid("a range's ends are the wrong way round") }
      ranges.append(low...high)
    }
    cursor.position += 1
    let set = ScalarSet(ranges)
    return isComplement ? set.complement : set
  }

  private mutating func parseCharacter() throws(MeshError) -> Unicode.Scalar {
    try rules.budget.spend()
    guard let scalar = cursor.next(), scalar != "\n", scalar != "\r" else {
      throw invalid("a text or class is not closed")
    }
    guard scalar == "\\" else { return scalar }
    let code: UInt32?
    switch cursor.next() {
    case "x": code = cursor.takeHexadecimal(2)
    case "u": code = cursor.takeHexadecimal(4)
    case "U": code = cursor.takeHexadecimal(8)
    case "t": code = 9
    case "r": code = 13
    case "n": code = 10
    case let escaped? where ["\\", "\"", "[", "]", "-", "^"].contains(escaped):
      code = escaped.value
    default: throw invalid("an unknown escape")
    }
    guard let code, let scalar = Unicode.Scalar(code) else {
      throw invalid("expected the digits of a Unicode scalar")
    }
    return scalar
  }
}
