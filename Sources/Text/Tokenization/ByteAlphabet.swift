/// GPT-2's alphabet: each byte as one printable character, so that a vocabulary of byte strings
/// can be written as text.
///
/// Printable Latin-1 bytes (0x21...0x7E, 0xA1...0xAC, 0xAE...0xFF) stand for themselves; the other
/// 68, in ascending order, are U+0100, U+0101, … So a space is `Ġ` and a newline is `Ċ`.
enum ByteAlphabet {
  /// The character of each byte.
  static let scalars: [Unicode.Scalar] = {
    var substitute: UInt32 = 0x100
    return (0...UInt8.max).map { byte in
      if standsForItself(byte) { return Unicode.Scalar(byte) }
      defer { substitute += 1 }
      return Unicode.Scalar(substitute)!
    }
  }()

  /// The byte of each character below ``endOfAlphabet``; nil where the character is none.
  private static let bytes: [UInt8?] = {
    var bytes = [UInt8?](repeating: nil, count: endOfAlphabet)
    for (byte, scalar) in scalars.enumerated() { bytes[Int(scalar.value)] = UInt8(byte) }
    return bytes
  }()

  /// One past the last code point in use.
  private static let endOfAlphabet = 0x100 + 68

  private static func standsForItself(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x21...0x7E, 0xA1...0xAC, 0xAE...0xFF: true
    default: false
    }
  }

  /// Appends the bytes that `text` spells.
  ///
  /// - Returns: Whether all of `text` is in the alphabet; if not, nothing was appended.
  static func appendBytes(spelledBy text: String, to bytes: inout [UInt8]) -> Bool {
    let start = bytes.count
    for scalar in text.unicodeScalars {
      guard scalar.value < endOfAlphabet, let byte = Self.bytes[Int(scalar.value)] else {
        bytes.removeSubrange(start...)
        return false
      }
      bytes.append(byte)
    }
    return true
  }
}
