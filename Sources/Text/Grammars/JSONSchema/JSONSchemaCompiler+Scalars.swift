import JSONText
import MeshTypes

extension JSONSchemaCompiler {
  // MARK: Numbers

  mutating func compileNumber(
    _ node: SchemaNode,
    isInteger: Bool
  ) throws(MeshError) -> Expression {
    if let multiple = node["multipleOf"] {
      guard isInteger, multiple.value.asDouble == 1 else {
        throw rules.budget.unsupported("must be absent", at: multiple.path)
      }
    }
    let bounds = try NumberBounds(node, isInteger: isInteger, rules.budget)
    if isInteger {
      guard !bounds.isEmpty else { return .choice([]) }
      return try rules.add(
        "integer \(node.path)",
        NumberTexts.integers(from: bounds.minimum, to: bounds.maximum)
      )
    }
    if bounds.isUnbounded { return try texts.number(&rules) }
    guard !bounds.isEmpty else { return .choice([]) }
    return try rules.add(
      "number \(node.path)",
      NumberTexts.numbers(
        from: bounds.minimum,
        to: bounds.maximum,
        excludesMinimum: bounds.excludesMinimum,
        excludesMaximum: bounds.excludesMaximum
      )
    )
  }

  // MARK: Strings

  mutating func compileString(_ node: SchemaNode) throws(MeshError) -> Expression {
    let minimum = try count(node["minLength"])
    let maximum = try count(node["maxLength"])
    let patterns = [node["pattern"], node["format"]].compactMap(\.self)
    guard let pattern = patterns.first else {
      if minimum == nil, maximum == nil { return try texts.string(&rules) }
      if let minimum, let maximum, minimum > maximum { return .choice([]) }
      let characters = Expression.repetition(
        try texts.character(&rules),
        minimum: minimum ?? 0,
        maximum: maximum
      )
      return .sequence([.text("\""), characters, .text("\"")])
    }
    if let other = [node["minLength"], node["maxLength"]].compactMap(\.self).first
      ?? patterns.dropFirst().first
    {
      throw rules.budget.unsupported("is not known beside pattern or format", at: other.path)
    }
    guard case .string(let text) = pattern.value else {
      throw rules.budget.invalid("must be a string", at: pattern.path)
    }
    if node["format"] != nil {
      guard let expression = StringFormats.expressions[text] else {
        let known = StringFormats.expressions.keys.sorted().joined(separator: ", ")
        throw rules.budget.unsupported("must be one of \(known)", at: pattern.path)
      }
      return try compilePattern("^(?:\(expression))$", at: pattern.path)
    }
    return try compilePattern(text, at: pattern.path)
  }

  private mutating func compilePattern(
    _ pattern: String,
    at path: String
  ) throws(MeshError) -> Expression {
    let branches = try RegexParser.branches(
      of: pattern,
      &rules.budget,
      prefix: "\(path) ",
      spell: JSONSpelling.expression
    )
    let anything = Expression.repetition(
      JSONSpelling.expression(of: .all),
      minimum: 0,
      maximum: nil
    )
    let alternatives = branches.map { branch in
      Expression.sequence([
        branch.isAnchoredAtStart ? .empty : anything, branch.expression,
        branch.isAnchoredAtEnd ? .empty : anything,
      ])
    }
    return try rules.add(
      "pattern \(path)",
      .sequence([.text("\""), .choice(alternatives), .text("\"")])
    )
  }

  /// A keyword's count.
  func count(_ keyword: SchemaNode.Keyword?) throws(MeshError) -> Int? {
    guard let keyword else { return nil }
    let count: Int? =
      switch keyword.value {
      case .integer(let value): value
      case .number(let value): Int(exactly: value)
      default: nil
      }
    guard let count else { throw rules.budget.invalid("must be a whole number", at: keyword.path) }
    try rules.budget.checkRepetitions(count, at: keyword.path)
    return count
  }
}

extension JSONValue {
  /// A number's value.
  var asDouble: Double? {
    switch self {
    case .integer(let value): Double(value)
    case .number(let value): value
    default: nil
    }
  }
}
