import JSONText
import MeshTypes

extension JSONSchemaCompiler {
  /// The schema of what validates against both.
  ///
  /// Costs a step for each value in keywords that both have.
  mutating func merge(_ one: SchemaNode, _ other: SchemaNode) throws(MeshError) -> SchemaNode {
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
  private mutating func constrainProperties(
    of node: inout SchemaNode,
    by other: SchemaNode
  ) throws(MeshError) {
    guard let additional = other["additionalProperties"]?.value, additional != .boolean(true),
      var properties = node["properties"], case .object(let members) = properties.value
    else { return }
    let named = Set((other["properties"]?.value.members ?? []).map(\.key))
    try rules.budget.spend(members.count + named.count)
    properties.value = .object(
      members.map { member in
        named.contains(member.key)
          ? member : JSONValue.Member(key: member.key, value: .all(member.value, additional))
      }
    )
    node.keywords["properties"] = properties
  }

  private mutating func merge(
    _ one: SchemaNode.Keyword,
    _ other: SchemaNode.Keyword,
    _ key: String,
    _ node: SchemaNode,
    _ otherNode: SchemaNode
  ) throws(MeshError) -> SchemaNode.Keyword {
    try rules.budget.spend(one.value.valueCount + other.value.valueCount)
    if one.value == other.value { return one }
    var merged = one
    switch key {
    case "type":
      let types = try SchemaTypes(of: node, rules.budget)
        .intersection(SchemaTypes(of: otherNode, rules.budget))
      merged.value = .array(types.names.map { .string($0) })
    case "required":
      let known = Set(one.value.elementsOrSelf)
      let others = other.value.elementsOrSelf.filter { !known.contains($0) }
      merged.value = .array(one.value.elementsOrSelf + others)
    case "enum":
      let others = Set(other.value.elementsOrSelf)
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
    var indices = Dictionary(members.indices.map { (members[$0].key, $0) }) { first, _ in first }
    for member in others {
      if let index = indices[member.key] {
        members[index].value = .all(members[index].value, member.value)
      } else {
        indices[member.key] = members.count
        members.append(member)
      }
    }
    return .object(members)
  }
}

extension JSONValue {
  /// An object's members; none of another value.
  var members: [Member] {
    if case .object(let members) = self { members } else { [] }
  }

  /// How many values it is, those within it included.
  fileprivate var valueCount: Int {
    switch self {
    case .array(let elements): elements.reduce(1) { $0 + $1.valueCount }
    case .object(let members): members.reduce(1) { $0 + $1.value.valueCount }
    default: 1
    }
  }

  /// The schema of what validates against both.
  fileprivate static func all(_ one: Self, _ other: Self) -> Self {
    if one == other || other == .boolean(true) { return one }
    if one == .boolean(true) { return other }
    return .object([Member(key: "allOf", value: .array([one, other]))])
  }
}
