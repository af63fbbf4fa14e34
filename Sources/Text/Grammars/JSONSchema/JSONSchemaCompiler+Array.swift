import JSONText
import MeshTypes

extension JSONSchemaCompiler {
  mutating func compileArray(_ node: SchemaNode) throws(MeshError) -> Expression {
    let minimum = try count(node["minItems"]) ?? 0
    var maximum = try count(node["maxItems"])
    var prefix: [Expression] = []
    if let keyword = node["prefixItems"] {
      guard case .array(let schemas) = keyword.value else {
        throw rules.budget.invalid("must be an array", at: keyword.path)
      }
      for (index, schema) in schemas.enumerated() {
        prefix.append(try compileShared(schema, at: "\(keyword.path)/\(index)"))
      }
    }
    var item: Expression?
    if let keyword = node["items"] {
      if keyword.value == .boolean(false) {
        maximum = min(maximum ?? prefix.count, prefix.count)
      } else {
        item = try compileShared(keyword.value, at: keyword.path)
      }
    }
    if item == nil { item = try texts.value(&rules) }
    let other = item ?? .empty
    let space = try texts.space(&rules)
    guard maximum.map({ minimum <= $0 }) ?? true else { return .choice([]) }
    guard !prefix.isEmpty else {
      return JSONTexts.list(of: other, minimum: minimum, maximum: maximum, "[", "]", space)
    }
    return try list(of: prefix, then: other, minimum: minimum, maximum: maximum, space)
  }

  /// A list whose first items have expressions of their own.
  private mutating func list(
    of prefix: [Expression],
    then other: Expression,
    minimum: Int,
    maximum: Int?,
    _ space: Expression
  ) throws(MeshError) -> Expression {
    let fixed = prefix.prefix(maximum ?? prefix.count)
    let comma = Expression.sequence([.text(","), space])
    var rest = Expression.repetition(
      .sequence([comma, other]),
      minimum: max(0, minimum - prefix.count),
      maximum: maximum.map { max(0, $0 - prefix.count) }
    )
    for (index, item) in fixed.enumerated().reversed() {
      let tail = Expression.sequence([index == 0 ? .empty : comma, item, rest])
      rest = try rules.add(
        "items from \(index)",
        index < minimum ? tail : .optional(tail)
      )
    }
    return .sequence([.text("["), space, rest, space, .text("]")])
  }

  /// What a schema allows, as a rule, so that it can stand in many places.
  mutating func compileShared(_ schema: JSONValue, at path: String) throws(MeshError) -> Expression
  {
    let expression = try compile(schema, at: path)
    if case .rule = expression { return expression }
    return try rules.add(path, expression)
  }
}
