/// How a vocabulary that is not byte-level writes the token of a single byte: `<0x0A>`.
enum ByteToken {
  private static let digits = Array("0123456789ABCDEF".utf8)

  /// The text of a byte's token.
  static func text(of byte: UInt8) -> String {
    let text = Array("<0x".utf8) + [digits[Int(byte >> 4)], digits[Int(byte & 15)]] + [0x3E]
    return String(decoding: text, as: UTF8.self)
  }

  /// The byte whose token is written `text`, or nil.
  static func byte(of text: String) -> UInt8? {
    let utf8 = Array(text.utf8)
    guard utf8.count == 6, utf8.starts(with: "<0x".utf8), utf8[5] == 0x3E else { return nil }
    return UInt8(String(decoding: utf8[3..<5], as: UTF8.self), radix: 16)
  }
}
