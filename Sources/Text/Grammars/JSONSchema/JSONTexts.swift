import MeshTypes

/// The rules of JSON itself, each added when it is first needed.
///
/// White space is one space, or a line end and at most 20 spaces or tabs, and only where printers
/// put it: after brackets, commas and colons. Numbers have at most 16 digits before the point, 16
/// behind it and 2 in the exponent, so that all fit a double and a model's digits come to an end.
struct JSONTexts {
  private var known: [String: Expression] = [:]

  /// The most digits before or behind a point.
  static let digits = 16

  private mutating func rule(
    _ name: String,
    _ rules: inout GrammarRules,
    _ expression: () -> Expression
  ) throws(MeshError) -> Expression {
    if let rule = known[name] { return rule }
    let rule = try rules.add(name, expression())
    known[name] = rule
    return rule
  }

  /// White space, or none.
  mutating func space(_ rules: inout GrammarRules) throws(MeshError) -> Expression {
    try rule("json-space", &rules) {
      let indentation = Expression.repetition(.oneOf(" \t"), minimum: 0, maximum: 20)
      return .choice([.empty, .text(" "), .sequence([.text("\n"), indentation])])
    }
  }

  /// One character of a string, in any spelling.
  mutating func character(_ rules: inout GrammarRules) throws(MeshError) -> Expression {
    try rule("json-character", &rules) {
      let hexadecimal = Expression.scalars(.hexadecimalDigits)
      let unicode = Expression.choice([
        .sequence([.oneOf("0123456789abcefABCEF"), hexadecimal]),
        .sequence([.oneOf("dD"), .oneOf("01234567")]),
      ])
      let pair = Expression.sequence([
        .oneOf("dD"), .oneOf("89abAB"), hexadecimal, hexadecimal, .text("\\u"), .oneOf("dD"),
        .oneOf("cdefCDEF"), hexadecimal, hexadecimal,
      ])
      let code = Expression.choice([.sequence([unicode, hexadecimal, hexadecimal]), pair])
      return .choice([
        .scalars(JSONSpelling.escaped.complement),
        .sequence([
          .text("\\"), .choice([.oneOf("\"\\/bfnrt"), .sequence([.text("u"), code])]),
        ]),
      ])
    }
  }

  /// What follows a string's opening quote.
  mutating func stringEnd(_ rules: inout GrammarRules) throws(MeshError) -> Expression {
    let character = try character(&rules)
    return try rule("json-string-end", &rules) {
      .sequence([.repetition(character, minimum: 0, maximum: nil), .text("\"")])
    }
  }

  mutating func string(_ rules: inout GrammarRules) throws(MeshError) -> Expression {
    .sequence([.text("\""), try stringEnd(&rules)])
  }

  mutating func number(_ rules: inout GrammarRules) throws(MeshError) -> Expression {
    try rule("json-number", &rules) {
      .sequence([
        .optional(.text("-")), NumberTexts.anyMagnitude,
        .optional(.sequence([.text("."), .digits(1, Self.digits)])),
        .optional(.sequence([.oneOf("eE"), .optional(.oneOf("+-")), .digits(1, 2)])),
      ])
    }
  }

  /// Any value.
  mutating func value(_ rules: inout GrammarRules) throws(MeshError) -> Expression {
    if let value = known["json-value"] { return value }
    let rule = try rules.declare("json-value")
    known["json-value"] = .rule(rule)
    let space = try space(&rules)
    let string = try string(&rules)
    let member = try rules.add("json-member", .sequence([string, .text(":"), space, .rule(rule)]))
    rules.define(
      rule,
      as: .choice([
        string, try number(&rules), .text("true"), .text("false"), .text("null"),
        Self.list(of: .rule(rule), minimum: 0, maximum: nil, "[", "]", space),
        Self.list(of: member, minimum: 0, maximum: nil, "{", "}", space),
      ])
    )
    return .rule(rule)
  }

  /// Items with commas between, in brackets.
  static func list(
    of item: Expression,
    minimum: Int,
    maximum: Int?,
    _ opening: String,
    _ closing: String,
    _ space: Expression
  ) -> Expression {
    if maximum == 0 { return .sequence([.text(opening), space, .text(closing)]) }
    let others = Expression.repetition(
      .sequence([.text(","), space, item]),
      minimum: max(0, minimum - 1),
      maximum: maximum.map { $0 - 1 }
    )
    let items = Expression.sequence([item, others, space])
    return .sequence([
      .text(opening), space, minimum == 0 ? .optional(items) : items, .text(closing),
    ])
  }
}
