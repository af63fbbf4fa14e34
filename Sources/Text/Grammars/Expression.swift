/// The right side of a rule: a set of byte strings.
indirect enum Expression: Hashable, Sendable {
  /// These bytes.
  case bytes([UInt8])
  /// The UTF-8 of one of these scalars.
  case scalars(ScalarSet)
  /// One after the other; empty for the empty text.
  case sequence([Expression])
  /// One of them; empty for nothing at all, not even the empty text.
  case choice([Expression])
  /// So many times; without bound if `maximum` is nil.
  case repetition(Expression, minimum: Int, maximum: Int?)
  /// What a rule gives.
  case rule(RuleID)

  /// The empty text.
  static let empty = Self.sequence([])

  /// A text.
  static func text(_ text: String) -> Self { .bytes(Array(text.utf8)) }

  /// It, or nothing.
  static func optional(_ expression: Self) -> Self {
    .repetition(expression, minimum: 0, maximum: 1)
  }

  /// One of some ASCII characters.
  static func oneOf(_ characters: String) -> Self { .scalars(ScalarSet(characters)) }

  /// A digit, `minimum` to `maximum` times.
  static func digits(_ minimum: Int, _ maximum: Int) -> Self {
    .repetition(.scalars(.digits), minimum: minimum, maximum: maximum)
  }
}

/// A rule's number.
struct RuleID: Hashable, Sendable {
  var index: Int
}
