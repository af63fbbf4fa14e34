/// SentencePiece's sign for a space, `▁` (U+2581).
///
/// Vocabularies write it, texts hold spaces. Here it is a space everywhere: a `▁` in a text means
/// the same tokens as a space does, as in SentencePiece.
enum SpaceMark {
  static let text = "\u{2581}"
  private static let utf8: [UInt8] = [0xE2, 0x96, 0x81]
  static let space: UInt8 = 0x20

  /// Appends valid UTF-8 with a space for each mark.
  static func appendReplacingMarks(in text: some Sequence<UInt8>, to bytes: inout [UInt8]) {
    for byte in text { append(byte, to: &bytes) }
  }

  /// Appends one byte of UTF-8; the last byte of a mark makes the mark a space.
  @inline(__always)
  static func append(_ byte: UInt8, to bytes: inout [UInt8]) {
    bytes.append(byte)
    if byte == utf8[2], bytes.count >= 3, bytes[bytes.count - 3] == utf8[0],
      bytes[bytes.count - 2] == utf8[1]
    {
      bytes.removeLast(3)
      bytes.append(space)
    }
  }
}
