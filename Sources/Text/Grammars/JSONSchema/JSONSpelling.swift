import JSONText

/// How values stand in the texts that a schema allows.
enum JSONSpelling {
  /// A value, with white space where printers put it.
  static func expression(of value: JSONValue, _ space: Expression) -> Expression {
    switch value {
    case .null: return .text("null")
    case .boolean(let boolean): return .text(boolean ? "true" : "false")
    case .integer(let integer): return .text("\(integer)")
    case .number(let number): return .text("\(number)")
    case .string(let string): return .text(text(of: string))
    case .array(let elements):
      return list(elements.map { expression(of: $0, space) }, "[", "]", space)
    case .object(let members):
      let members = members.map { member in
        Expression.sequence([
          .text(text(of: member.key) + ":"), space, expression(of: member.value, space),
        ])
      }
      return list(members, "{", "}", space)
    }
  }

  private static func list(
    _ items: [Expression],
    _ opening: String,
    _ closing: String,
    _ space: Expression
  ) -> Expression {
    var parts = [.text(opening), space]
    for (index, item) in items.enumerated() {
      if index > 0 { parts += [.text(","), space] }
      parts.append(item)
    }
    if !items.isEmpty { parts.append(space) }
    return .sequence(parts + [.text(closing)])
  }

  /// A string in quotes; only what must be escaped is.
  static func text(of string: String) -> String {
    "\"" + string.unicodeScalars.map { escape($0.value) ?? String(Character($0)) }.joined() + "\""
  }

  /// The escape of a scalar that cannot stand for itself.
  static func escape(_ scalar: UInt32) -> String? {
    switch scalar {
    case 0x22: "\\\""
    case 0x5C: "\\\\"
    case 0x08: "\\b"
    case 0x09: "\\t"
    case 0x0A: "\\n"
    case 0x0C: "\\f"
    case 0x0D: "\\r"
    case 0..<0x20: "\\u00" + (scalar < 0x10 ? "0" : "") + String(scalar, radix: 16)
    default: nil
    }
  }

  /// Scalars that cannot stand for themselves.
  static let escaped = ScalarSet([0...0x1F, 0x22...0x22, 0x5C...0x5C])

  /// A set of scalars within a string, each in one spelling.
  static func expression(of set: ScalarSet) -> Expression {
    let plain = set.subtracting(escaped)
    let escapes = set.intersection(escaped).ranges.flatMap { $0 }
      .compactMap { escape($0) }.map(Expression.text)
    return escapes.isEmpty ? RegexParser.plain(plain) : .choice([.scalars(plain)] + escapes)
  }
}
