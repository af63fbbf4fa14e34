extension ScalarSet {
  /// A range of bytes.
  typealias Bytes = ClosedRange<UInt8>

  /// The UTF-8 of the set as alternatives, each one range for each byte.
  ///
  /// Of two alternatives the ranges at the first place where they differ are apart, so that
  /// alternatives form a tree that a byte has one way through.
  var utf8Alternatives: [[Bytes]] {
    var alternatives: [[Bytes]] = []
    for range in ranges { Self.split(range.lowerBound, range.upperBound, into: &alternatives) }
    return alternatives
  }

  private static func split(_ low: UInt32, _ high: UInt32, into alternatives: inout [[Bytes]]) {
    for last: UInt32 in [0x7F, 0x7FF, 0xFFFF] where low <= last && last < high {
      split(low, last, into: &alternatives)
      return split(last + 1, high, into: &alternatives)
    }
    if high > 0x7F {
      for count in 1...3 {
        // A range in which the last `count` bytes vary must take them in whole.
        let mask = UInt32(1) << UInt32(6 * count) - 1
        guard low & ~mask != high & ~mask else { continue }
        if low & mask != 0 {
          split(low, low | mask, into: &alternatives)
          return split((low | mask) + 1, high, into: &alternatives)
        }
        if high & mask != mask {
          split(low, (high & ~mask) - 1, into: &alternatives)
          return split(high & ~mask, high, into: &alternatives)
        }
      }
    }
    alternatives.append(zip(utf8(low), utf8(high)).map { $0...$1 })
  }

  private static func utf8(_ scalar: UInt32) -> [UInt8] {
    Unicode.Scalar(scalar).map { Array(UTF8.encode($0)!) } ?? []
  }
}
