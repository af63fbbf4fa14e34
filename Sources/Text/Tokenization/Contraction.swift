/// The English endings `'s 't 're 've 'm 'll 'd`, a piece of their own.
enum Contraction {
  /// The end of the contraction that begins at `start`, or nil if none does.
  ///
  /// - Parameter ignoringCase: Whether letters of either case count, and with them `ſ` (U+017F),
  ///   which Unicode folds to `s`.
  @inline(__always)
  static func end(from start: Int, in text: Span<UInt8>, ignoringCase: Bool) -> Int? {
    guard text[start] == UInt8(ascii: "'"), start + 1 < text.count else { return nil }
    return endOfLetters(from: start + 1, in: text, ignoringCase: ignoringCase)
  }

  private static func endOfLetters(
    from start: Int,
    in text: Span<UInt8>,
    ignoringCase: Bool
  ) -> Int? {
    let caseBit: UInt8 = ignoringCase ? 0x20 : 0
    let first = text[start] | caseBit
    let second = start + 1 < text.count ? text[start + 1] : 0
    switch first {
    case UInt8(ascii: "s"), UInt8(ascii: "t"), UInt8(ascii: "m"), UInt8(ascii: "d"):
      return start + 1
    case UInt8(ascii: "r"), UInt8(ascii: "v"):
      return second | caseBit == UInt8(ascii: "e") ? start + 2 : nil
    case UInt8(ascii: "l"):
      return second | caseBit == UInt8(ascii: "l") ? start + 2 : nil
    default:
      let isLongS = text[start] == 0xC5 && second == 0xBF
      return ignoringCase && isLongS ? start + 2 : nil
    }
  }
}
