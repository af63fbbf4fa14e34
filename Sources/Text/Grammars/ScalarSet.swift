/// A set of Unicode scalars; surrogates are never in it.
struct ScalarSet: Hashable, Sendable {
  /// Ascending, apart from each other.
  private(set) var ranges: [ClosedRange<UInt32>]

  static let all = Self([0...0x10FFFF])
  static let digits = Self([0x30...0x39])
  static let hexadecimalDigits = Self([0x30...0x39, 0x41...0x46, 0x61...0x66])
  /// What `\w` stands for.
  static let word = Self([0x30...0x39, 0x41...0x5A, 0x5F...0x5F, 0x61...0x7A])
  /// What `\s` stands for: white space and line ends as in ECMA-262.
  static let space = Self([
    0x09...0x0D, 0x20...0x20, 0xA0...0xA0, 0x1680...0x1680, 0x2000...0x200A, 0x2028...0x2029,
    0x202F...0x202F, 0x205F...0x205F, 0x3000...0x3000, 0xFEFF...0xFEFF,
  ])
  /// What a dot stands for does not hold these, as in ECMA-262.
  static let lineEnds = Self([0x0A...0x0A, 0x0D...0x0D, 0x2028...0x2029])

  /// The union of ranges in any order, without surrogates.
  init(_ ranges: [ClosedRange<UInt32>]) {
    var merged: [ClosedRange<UInt32>] = []
    let apart = ranges.flatMap(Self.withoutSurrogates)
    for range in apart.sorted(by: { $0.lowerBound < $1.lowerBound }) {
      if let last = merged.last, range.lowerBound <= last.upperBound + 1 {
        merged[merged.count - 1] = last.lowerBound...max(last.upperBound, range.upperBound)
      } else {
        merged.append(range)
      }
    }
    self.ranges = merged
  }

  /// The scalars of a string.
  init(_ text: String) {
    self.init(text.unicodeScalars.map { $0.value...$0.value })
  }

  private static func withoutSurrogates(_ range: ClosedRange<UInt32>) -> [ClosedRange<UInt32>] {
    let (low, high) = (range.lowerBound, min(range.upperBound, 0x10FFFF))
    var parts: [ClosedRange<UInt32>] = []
    if low < 0xD800, low <= high { parts.append(low...min(high, 0xD7FF)) }
    if high > 0xDFFF { parts.append(max(low, 0xE000)...high) }
    return parts
  }

  var isEmpty: Bool { ranges.isEmpty }

  /// All scalars that are not in the set.
  var complement: Self {
    var gaps: [ClosedRange<UInt32>] = []
    var next: UInt32 = 0
    for range in ranges {
      if range.lowerBound > next { gaps.append(next...(range.lowerBound - 1)) }
      next = range.upperBound + 1
    }
    if next <= 0x10FFFF { gaps.append(next...0x10FFFF) }
    return Self(gaps)
  }

  func union(_ other: Self) -> Self { Self(ranges + other.ranges) }

  func intersection(_ other: Self) -> Self {
    complement.union(other.complement).complement
  }

  func subtracting(_ other: Self) -> Self { intersection(other.complement) }

  func contains(_ scalar: UInt32) -> Bool { ranges.contains { $0.contains(scalar) } }
}
