/// A finite number with this many digits after the point, exactly rounded, ties to even: what C's
/// `%.*f` prints.
///
/// - Parameters:
///   - value: A finite number.
///   - digits: Digits after the point, at most 1100.
func fixedPoint(_ value: Double, digits: Int) -> String {
  let sign = value.sign == .minus ? "-" : ""
  guard value != 0 else {
    return sign + "0" + (digits > 0 ? "." + String(repeating: "0", count: digits) : "")
  }
  // value = significand · 2^exponent, so that value · 10^digits = significand · 10^digits · 2^exponent.
  var exponent = Int(value.exponent) - 52
  var decimal = DecimalInteger(UInt64(value.significandBitPattern) | (value.isNormal ? 1 << 52 : 0))
  if !value.isNormal { exponent = -1074 }
  decimal.appendZeros(digits)
  if exponent >= 0 {
    for _ in 0..<exponent { decimal.double() }
  } else {
    decimal.divideByPowerOfTwo(-exponent)
  }
  var text = decimal.description
  if text.utf8.count <= digits {
    text = String(repeating: "0", count: digits + 1 - text.utf8.count) + text
  }
  guard digits > 0 else { return sign + text }
  return sign + text.dropLast(digits) + "." + text.suffix(digits)
}

/// A natural number in decimal digits.
private struct DecimalInteger {
  /// Most significant digit first.
  private var digits: [UInt8]

  init(_ value: UInt64) { digits = String(value).utf8.map { $0 - ascii("0") } }

  var description: String { String(decoding: digits.map { $0 + ascii("0") }, as: UTF8.self) }

  /// Multiplies by a power of ten.
  mutating func appendZeros(_ count: Int) {
    digits += Array(repeating: 0, count: count)
  }

  mutating func double() {
    var carry: UInt8 = 0
    for index in digits.indices.reversed() {
      let doubled = digits[index] * 2 + carry
      digits[index] = doubled % 10
      carry = doubled / 10
    }
    if carry > 0 { digits.insert(carry, at: 0) }
  }

  /// Halves `count` times and rounds once, ties to even.
  mutating func divideByPowerOfTwo(_ count: Int) {
    var isLastBitSet = false
    var isRestSet = false
    for _ in 0..<count {
      isRestSet = isRestSet || isLastBitSet
      isLastBitSet = halve()
    }
    let isOdd = (digits.last ?? 0) % 2 == 1
    if isLastBitSet, isRestSet || isOdd { increment() }
  }

  /// Halves; whether there was a remainder.
  private mutating func halve() -> Bool {
    var remainder: UInt8 = 0
    for index in digits.indices {
      let value = remainder * 10 + digits[index]
      digits[index] = value / 2
      remainder = value % 2
    }
    if digits.count > 1, digits[0] == 0 { digits.removeFirst() }
    return remainder == 1
  }

  private mutating func increment() {
    for index in digits.indices.reversed() {
      guard digits[index] == 9 else {
        digits[index] += 1
        return
      }
      digits[index] = 0
    }
    digits.insert(1, at: 0)
  }
}
