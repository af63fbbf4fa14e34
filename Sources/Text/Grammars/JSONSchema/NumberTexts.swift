/// Decimal numbers between bounds, as expressions over their digits.
enum NumberTexts {
  /// The digits of any whole number without its sign.
  static let anyMagnitude = Expression.choice([
    .text("0"), .sequence([.scalars(ScalarSet([0x31...0x39])), .digits(0, JSONTexts.digits - 1)]),
  ])

  /// The greatest magnitude without a bound of its own.
  private static let greatest: UInt64 = 9_999_999_999_999_999

  /// Whole numbers in a range; nil for no bound.
  static func integers(from minimum: Int?, to maximum: Int?) -> Expression {
    .choice(
      signed(from: minimum, to: maximum) { low, high in
        high.map { magnitudes(from: low, to: $0) } ?? magnitudes(from: low, to: max(low, greatest))
      }
    )
  }

  /// Numbers with fractions in a range of whole bounds, which may themselves be excluded.
  static func numbers(
    from minimum: Int?,
    to maximum: Int?,
    excludesMinimum: Bool,
    excludesMaximum: Bool
  ) -> Expression {
    func between(_ low: UInt64, _ high: UInt64?, _ noLow: Bool, _ noHigh: Bool) -> Expression {
      let last = high ?? max(low, greatest)
      var parts: [Expression] = []
      let zeros = Expression.sequence([
        .text("."), .repetition(.text("0"), minimum: 1, maximum: JSONTexts.digits),
      ])
      let fraction = Expression.sequence([.text("."), .digits(1, JSONTexts.digits)])
      let positiveFraction = Expression.sequence([
        .text("."), .repetition(.text("0"), minimum: 0, maximum: JSONTexts.digits - 1),
        .scalars(ScalarSet([0x31...0x39])), .digits(0, JSONTexts.digits),
      ])
      if low < last {
        let whole = magnitudes(from: low, to: low)
        parts.append(.sequence([whole, positiveFraction]))
        if !noLow { parts.append(.sequence([whole, .optional(zeros)])) }
        if low + 1 < last {
          parts.append(
            .sequence([magnitudes(from: low + 1, to: last - 1), .optional(fraction)])
          )
        }
      }
      if !noHigh, low < last || !noLow {
        parts.append(.sequence([magnitudes(from: last, to: last), .optional(zeros)]))
      }
      return .choice(parts)
    }
    let positive = maximum.map { $0 >= 0 } ?? true
    let negative = minimum.map { $0 < 0 } ?? true
    var signs: [Expression] = []
    if positive {
      let low = max(0, minimum ?? 0)
      let excluded = excludesMinimum && minimum.map { $0 >= 0 } ?? false
      signs.append(between(UInt64(low), maximum.map { UInt64($0) }, excluded, excludesMaximum))
    }
    if negative {
      let low = maximum.map { $0 < 0 ? $0.magnitude : 0 } ?? 0
      let excluded = excludesMaximum && maximum.map { $0 <= 0 } ?? false
      let high = minimum.map { UInt64($0.magnitude) }
      signs.append(.sequence([.text("-"), between(UInt64(low), high, excluded, excludesMinimum)]))
    }
    return .choice(signs)
  }

  private static func signed(
    from minimum: Int?,
    to maximum: Int?,
    _ range: (UInt64, UInt64?) -> Expression
  ) -> [Expression] {
    var signs: [Expression] = []
    if maximum.map({ $0 >= 0 }) ?? true {
      signs.append(range(UInt64(max(0, minimum ?? 0)), maximum.map { UInt64($0) }))
    }
    if minimum.map({ $0 < 0 }) ?? true, maximum != Int.min {
      // Zero has no sign.
      let low = maximum.map { $0 < 0 ? UInt64($0.magnitude) : 1 } ?? 1
      signs.append(.sequence([.text("-"), range(low, minimum.map { UInt64($0.magnitude) })]))
    }
    return signs
  }

  /// The digits of whole numbers in a range without leading zeros; nothing if it is empty.
  static func magnitudes(from low: UInt64, to high: UInt64) -> Expression {
    guard low <= high else { return .choice([]) }
    let (first, last) = (digits(low), digits(high))
    if first.count == last.count { return between(first[...], last[...]) }
    var parts = [between(first[...], Array(repeating: 9, count: first.count)[...])]
    for count in (first.count + 1)..<last.count where first.count + 1 < last.count {
      parts.append(.sequence([digit(1, 9), .digits(count - 1, count - 1)]))
    }
    let smallest = [1] + Array(repeating: UInt32(0), count: last.count - 1)
    return .choice(parts + [between(smallest[...], last[...])])
  }

  private static func digits(_ number: UInt64) -> [UInt32] {
    String(number).unicodeScalars.map { $0.value - 0x30 }
  }

  private static func digit(_ low: UInt32, _ high: UInt32) -> Expression {
    low <= high ? .scalars(ScalarSet([(0x30 + low)...(0x30 + high)])) : .choice([])
  }

  /// Digits between two of the same length.
  private static func between(_ low: ArraySlice<UInt32>, _ high: ArraySlice<UInt32>) -> Expression {
    guard let first = low.first, let last = high.first else { return .empty }
    let (lowRest, highRest) = (low.dropFirst(), high.dropFirst())
    if first == last { return .sequence([digit(first, first), between(lowRest, highRest)]) }
    let nines = Array(repeating: UInt32(9), count: lowRest.count)[...]
    let zeros = Array(repeating: UInt32(0), count: lowRest.count)[...]
    var parts: [Expression] = []
    var (middleFirst, middleLast) = (first, last)
    if lowRest.contains(where: { $0 != 0 }) {
      parts.append(.sequence([digit(first, first), between(lowRest, nines)]))
      middleFirst += 1
    }
    if highRest.contains(where: { $0 != 9 }) {
      parts.append(.sequence([digit(last, last), between(zeros, highRest)]))
      middleLast -= 1
    }
    if middleFirst <= middleLast {
      parts.append(
        .sequence([digit(middleFirst, middleLast), .digits(lowRest.count, lowRest.count)])
      )
    }
    return .choice(parts)
  }
}
