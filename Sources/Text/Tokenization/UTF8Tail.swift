/// The unfinished character at the end of a run of bytes.
enum UTF8Tail {
  /// How many bytes at the end are the beginning of a character that more bytes can complete:
  /// 0...3.
  ///
  /// A tail that no byte could complete (Unicode's table 3-7 of well-formed sequences) counts 0.
  static func incompleteByteCount(of bytes: some BidirectionalCollection<UInt8>) -> Int {
    var tail: [UInt8] = []
    for byte in bytes.reversed().prefix(3) {
      tail.insert(byte, at: 0)
      if byte & 0xC0 != 0x80 { return isIncomplete(tail) ? tail.count : 0 }
    }
    return 0
  }

  private static func isIncomplete(_ tail: [UInt8]) -> Bool {
    let (length, seconds): (Int, ClosedRange<UInt8>)
    switch tail[0] {
    case 0xC2...0xDF: (length, seconds) = (2, 0x80...0xBF)
    case 0xE0: (length, seconds) = (3, 0xA0...0xBF)
    case 0xED: (length, seconds) = (3, 0x80...0x9F)
    case 0xE1...0xEF: (length, seconds) = (3, 0x80...0xBF)
    case 0xF0: (length, seconds) = (4, 0x90...0xBF)
    case 0xF1...0xF3: (length, seconds) = (4, 0x80...0xBF)
    case 0xF4: (length, seconds) = (4, 0x80...0x8F)
    default: return false
    }
    return tail.count < length && (tail.count < 2 || seconds.contains(tail[1]))
  }
}
