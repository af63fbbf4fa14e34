import JSONText
import MeshTypes

extension JSONSchemaCompiler {
  /// The schema of what validates against both.
  func merge(_ one: SchemaNode, _ other: SchemaNode) throws(MeshError) -> SchemaNode {
    var merged = one
    var other = other
    merged.isNever = one.isNever || other.isNever
    merged.alternatives += other.alternatives
    // Each one's additional properties are what the other calls by name.
    try constrainProperties(of: &merged, by: other)
    try constrainProperties(of: &other, by: one)
    for (key, keyword) in other.keywords.sorted(by: { $0.key < $1.key }) {
      if let existing = merged[key] {
        merged.keywords[key] = try merge(existing, keyword, key, merged, other)
      } else {
        merged.keywords[key] = keyword
      }
    }
    return merged
  }

  /// Adds to each property of `node` that `other` does not name what `other` says about such.
  private func constrainProperties(
    of node: inout SchemaNode,
    by other: SchemaNode
  ) throws(MeshError) {
    guard let additional = other["additionalProperties"]?.value, additional != .boolean(true),
      var properties = node["properties"], case .object(let members) = properties.value
    else { return }
    let named = other["properties"]?.value
    properties.value = .object(
      members.map { member in
        named?[member.key] != nil
          ? member : JSONValue.Member(key: member.key, value: .all(member.value, additional))
      }
    )
    node.keywords["properties"] = properties
  }

  private func merge(
    _ one: SchemaNode.Keyword,
    _ other: SchemaNode.Keyword,
    _ key: String,
    _ node: SchemaNode,
    _ otherNode: SchemaNode
  ) throws(MeshError) -> SchemaNode.Keyword {
    if one.value == other.value { return one }
    var merged = one
    switch key {
    case "type":
      let types = try SchemaTypes(of: node, rules.budget)
        .intersection(SchemaTypes(of: otherNode, rules.budget))
      merged.value = .array(types.names.map { .string($0) })
    case "required":
      merged.value = .array(one.value.elementsOrSelf + other.value.elementsOrSelf)
    case "enum":
      let others = other.value.elementsOrSelf
      merged.value = .array(one.value.elementsOrSelf.filter { others.contains($0) })
    case "properties": merged.value = mergeProperties(one.value, other.value)
    case "items" where node["prefixItems"] == otherNode["prefixItems"], "additionalProperties":
      merged.value =
        one.value == .boolean(false) || other.value == .boolean(false)
        ? .boolean(false) : .all(one.value, other.value)
    case "minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties":
      if isLess(one.value, other.value) { merged = other }
    case "maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties":
      if isLess(other.value, one.value) { merged = other }
    default:
      throw rules.budget.unsupported("cannot be merged with \(one.path)", at: other.path)
    }
    return merged
  }

  private func isLess(_ one: JSONValue, _ other: JSONValue) -> Bool {
    if case .integer(let one) = one, case .integer(let other) = other { return one < other }
    return (one.asDouble ?? 0) < (other.asDouble ?? 0)
  }

  private func mergeProperties(_ one: JSONValue, _ other: JSONValue) -> JSONValue {
    guard case .object(var members) = one, case .object(let others) = other else { return other }
    for member in others {
      if let index = members.firstIndex(where: { $0.key == member.key }) {
        members[index].value = .all(members[index].value, member.value)
      } else {
        members.append(member)
      }
    }
    return .object(members)
  }
}

extension JSONValue {
  /// The schema of what validates against both.
  fileprivate static func all(_ one: Self, _ other: Self) -> Self {
    if one == other || other == .boolean(true) { return one }
    if one == .boolean(true) { return other }
    return .object([Member(key: "allOf", value: .array([one, other]))])
  }
}
