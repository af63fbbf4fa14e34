import JSONText
import MeshTypes

extension JSONSchemaCompiler {
  /// Checks that no document validates against two of the alternatives, so that each that validates
  /// against one is allowed by `oneOf`.
  mutating func checkDisjoint(
    _ group: inout SchemaNode.Alternatives,
    of rest: SchemaNode
  ) throws(MeshError) {
    var nodes: [SchemaNode] = []
    for (index, schema) in group.schemas.enumerated() {
      nodes.append(try merge(rest, try node(schema, at: "\(group.path)/\(index)")))
    }
    for (index, node) in nodes.enumerated() {
      for other in nodes[..<index] where try !areDisjoint(node, other, depth: 0) {
        throw rules.budget.unsupported(
          "may validate together with \(other.path); only alternatives that differ in type, in a"
            + " required property's const or enum, or in what they require are known: use anyOf",
          at: "\(group.path)/\(index)"
        )
      }
    }
  }

  /// Whether it is certain that no document validates against both.
  private mutating func areDisjoint(
    _ one: SchemaNode,
    _ other: SchemaNode,
    depth: Int
  ) throws(MeshError) -> Bool {
    try rules.budget.spend()
    if one.isNever || other.isNever { return true }
    guard depth < 8 else { return false }
    if let values = one["enum"]?.value.elementsOrSelf,
      let others = other["enum"]?.value.elementsOrSelf
    {
      try rules.budget.spend(values.count + others.count)
      return Set(values.map(\.comparable)).isDisjoint(with: others.map(\.comparable))
    }
    // A type that is only implied is ours to choose, not the schema's: others validate as well.
    let (types, otherTypes) = (try strictTypes(one), try strictTypes(other))
    let common = types.intersection(otherTypes)
    if common.names.isEmpty { return true }
    guard common.names == ["object"] else { return false }
    let (required, otherRequired) = (one.required, other.required)
    let (properties, otherProperties) = (one.properties, other.properties)
    try rules.budget.spend(required.count + otherRequired.count)
    try rules.budget.spend(properties.count + otherProperties.count)
    if other.isClosed, required.contains(where: { otherProperties[$0] == nil }) { return true }
    if one.isClosed, otherRequired.contains(where: { properties[$0] == nil }) { return true }
    for name in required.intersection(otherRequired).sorted() {
      guard let schema = properties[name], let otherSchema = otherProperties[name] else { continue }
      let node = try node(schema, at: "\(one.path)/properties/\(name)")
      let otherNode = try self.node(otherSchema, at: "\(other.path)/properties/\(name)")
      if try areDisjoint(node, otherNode, depth: depth + 1) { return true }
    }
    return false
  }

  private func strictTypes(_ node: SchemaNode) throws(MeshError) -> SchemaTypes {
    if node["type"] != nil { return try SchemaTypes(of: node, rules.budget) }
    guard let values = node["enum"]?.value.elementsOrSelf else { return .all }
    return SchemaTypes(
      Set(
        SchemaTypes.all.names.filter { name in values.contains { SchemaTypes([name]).allow($0) } }
      )
    )
  }
}

extension SchemaNode {
  /// The names of properties that must be there.
  fileprivate var required: Set<String> {
    Set(
      (self["required"]?.value.elementsOrSelf ?? []).compactMap {
        if case .string(let name) = $0 { name } else { nil }
      }
    )
  }

  /// Whether an object that validates has no other properties than those with a schema of their own.
  fileprivate var isClosed: Bool { self["additionalProperties"]?.value == .boolean(false) }

  /// The schemas of properties: the last one, where one stands twice.
  fileprivate var properties: [String: JSONValue] {
    Dictionary((self["properties"]?.value.members ?? []).map { ($0.key, $0.value) }) { $1 }
  }
}

extension JSONValue {
  /// What is equal for values that are equal in JSON, where 1 and 1.0 are.
  fileprivate var comparable: Self { asDouble.map { .number($0) } ?? self }
}
