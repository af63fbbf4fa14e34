/// A place in a source text, which is read scalar by scalar.
struct ScalarCursor {
  private let scalars: [Unicode.Scalar]
  /// The scalars before the place.
  var position = 0

  init(_ text: String) { scalars = Array(text.unicodeScalars) }

  /// The scalar at the place; nil at the end.
  var current: Unicode.Scalar? { position < scalars.count ? scalars[position] : nil }

  /// The place in words.
  var place: String { "at character \(position)" }

  /// The scalar after `count` others.
  func peek(_ count: Int) -> Unicode.Scalar? {
    position + count < scalars.count ? scalars[position + count] : nil
  }

  /// The scalar at the place, which is left behind.
  mutating func next() -> Unicode.Scalar? {
    defer { if position < scalars.count { position += 1 } }
    return current
  }

  /// Leaves a text behind if it is there.
  mutating func take(_ text: StaticString) -> Bool {
    let expected = "\(text)".unicodeScalars
    guard scalars[position...].starts(with: expected) else { return false }
    position += expected.count
    return true
  }

  /// A decimal number; `Int.max` for one that is too large, nil if there is none.
  mutating func takeNumber() -> Int? {
    var number: Int?
    while let scalar = current, ("0"..."9").contains(scalar) {
      let (product, overflowed) = (number ?? 0).multipliedReportingOverflow(by: 10)
      let (sum, overflowedToo) = product.addingReportingOverflow(Int(scalar.value - 0x30))
      number = overflowed || overflowedToo ? Int.max : sum
      position += 1
    }
    return number
  }

  /// The number that `count` hexadecimal digits give; nil if they are not there.
  mutating func takeHexadecimal(_ count: Int) -> UInt32? {
    var number: UInt32 = 0
    for index in 0..<count {
      guard let scalar = peek(index), scalar.isASCII,
        let digit = Character(scalar).hexDigitValue
      else { return nil }
      number = number << 4 | UInt32(digit)
    }
    position += count
    return number
  }
}
