import JSONText
import MeshTypes

extension JSONSchemaCompiler {
  /// A property with a schema of its own.
  private struct Property {
    var name: String
    /// Key, colon and value.
    var member: Expression
    var isRequired: Bool
  }

  mutating func compileObject(_ node: SchemaNode) throws(MeshError) -> Expression {
    let additional = try additionalProperties(of: node)
    let properties = try properties(of: node, additional)
    let space = try texts.space(&rules)
    let counts = try memberCounts(of: node, properties, isOpen: additional != nil)
    var other: Expression?
    if let additional {
      let value = try compileShared(additional.value, at: additional.path)
      let key = try otherKey(than: properties.map(\.name))
      other = try rules.add(
        "member \(additional.path)",
        .sequence([key, .text(":"), space, value])
      )
    }
    guard !properties.isEmpty else {
      let maximum = other == nil ? 0 : counts.maximum
      guard maximum.map({ counts.minimum <= $0 }) ?? true else { return .choice([]) }
      return JSONTexts.list(
        of: other ?? .empty,
        minimum: counts.minimum,
        maximum: maximum,
        "{",
        "}",
        space
      )
    }
    let members = try members(properties, other, at: node.path, space)
    return .sequence([.text("{"), space, members, space, .text("}")])
  }

  /// The schema of properties without one of their own; nil if there must be none.
  ///
  /// Where the schema says nothing: none beside named properties, any in an object without them.
  private func additionalProperties(
    of node: SchemaNode
  ) throws(MeshError) -> SchemaNode.Keyword? {
    if let keyword = node["additionalProperties"] {
      return keyword.value == .boolean(false) ? nil : keyword
    }
    if node["properties"] != nil { return nil }
    return SchemaNode.Keyword(value: .boolean(true), path: node.path)
  }

  private mutating func properties(
    of node: SchemaNode,
    _ additional: SchemaNode.Keyword?
  ) throws(MeshError) -> [Property] {
    var schemas: [(name: String, schema: JSONValue, path: String)] = []
    var known: Set<ArraySlice<UInt8>> = []
    if let keyword = node["properties"] {
      guard case .object(let members) = keyword.value else {
        throw rules.budget.invalid("must be an object", at: keyword.path)
      }
      for member in members {
        let path = "\(keyword.path)/\(JSONPointer.escaped(member.key))"
        guard known.insert(Array(member.key.utf8)[...]).inserted else {
          throw rules.budget.invalid("stands twice", at: path)
        }
        schemas.append((member.key, member.value, path))
      }
    }
    var required: Set<ArraySlice<UInt8>> = []
    if let keyword = node["required"] {
      for value in keyword.value.elementsOrSelf {
        guard case .array = keyword.value, case .string(let name) = value else {
          throw rules.budget.invalid("must be an array of strings", at: keyword.path)
        }
        required.insert(Array(name.utf8)[...])
        if known.insert(Array(name.utf8)[...]).inserted {
          // One that is not named otherwise is an additional one.
          schemas.append((name, additional?.value ?? .boolean(false), keyword.path))
        }
      }
    }
    let space = try texts.space(&rules)
    var properties: [Property] = []
    for (name, schema, path) in schemas {
      let value = try compile(schema, at: path)
      let key = Expression.text(JSONSpelling.text(of: name) + ":")
      properties.append(
        Property(
          name: name,
          member: try rules.add("member \(path)", .sequence([key, space, value])),
          isRequired: required.contains(Array(name.utf8)[...])
        )
      )
    }
    return properties
  }

  /// The members of an object with named properties, those in the order of the schema.
  private mutating func members(
    _ properties: [Property],
    _ other: Expression?,
    at path: String,
    _ space: Expression
  ) throws(MeshError) -> Expression {
    let comma = Expression.sequence([.text(","), space])
    // What may follow once there is a member, from the last property to the first.
    var following = Expression.empty
    // What there may be if there is no member yet.
    var beginning = Expression.empty
    if let other {
      let others = Expression.repetition(.sequence([comma, other]), minimum: 0, maximum: nil)
      following = try rules.add("others \(path)", others)
      beginning = .optional(.sequence([other, following]))
    }
    for (index, property) in properties.enumerated().reversed() {
      let first = Expression.sequence([property.member, following])
      beginning = try rules.add(
        "from \(index) \(path)",
        property.isRequired ? first : .choice([first, beginning])
      )
      let next = Expression.sequence([comma, property.member])
      following = try rules.add(
        "after \(index) \(path)",
        .sequence([property.isRequired ? next : .optional(next), following])
      )
    }
    return beginning
  }

  /// How many members there must be, as far as that says more than the properties do.
  private func memberCounts(
    of node: SchemaNode,
    _ properties: [Property],
    isOpen: Bool
  ) throws(MeshError) -> (minimum: Int, maximum: Int?) {
    let minimum = try count(node["minProperties"]) ?? 0
    let maximum = try count(node["maxProperties"])
    if properties.isEmpty {
      // A second member may repeat the first one's key.
      if minimum > 1, let keyword = node["minProperties"] {
        throw rules.budget.unsupported("must be 0 or 1 here", at: keyword.path)
      }
      return (minimum, maximum)
    }
    let required = properties.count(where: \.isRequired)
    if minimum > required, let keyword = node["minProperties"] {
      throw rules.budget.unsupported(
        "must be at most \(required), the number of required properties",
        at: keyword.path
      )
    }
    if let maximum, isOpen || maximum < properties.count, let keyword = node["maxProperties"] {
      throw rules.budget.unsupported(
        "must be at least the number of properties, without additional ones",
        at: keyword.path
      )
    }
    return (0, nil)
  }

  /// A key that is none of some names.
  ///
  /// One state for each beginning of a name; up to the place where a key differs from all names
  /// it is spelt without escapes, so that no name can be spelt with them.
  private mutating func otherKey(than names: [String]) throws(MeshError) -> Expression {
    if names.isEmpty { return try texts.string(&rules) }
    var children: [[UInt32: Int]] = [[:]]
    var isName = [false]
    for name in names {
      var node = 0
      for scalar in name.unicodeScalars {
        try rules.budget.spend()
        if let child = children[node][scalar.value] {
          node = child
        } else {
          children.append([:])
          isName.append(false)
          children[node][scalar.value] = children.count - 1
          node = children.count - 1
        }
      }
      isName[node] = true
    }
    let end = try texts.stringEnd(&rules)
    // Children have greater numbers than their parents.
    var expressions = [Expression](repeating: .empty, count: children.count)
    for node in children.indices.reversed() {
      let plain = JSONSpelling.escaped.complement
      let taken = ScalarSet(children[node].keys.map { $0...$0 })
      var ways: [Expression] = [.sequence([.scalars(plain.subtracting(taken)), end])]
      if !isName[node] { ways.append(.text("\"")) }
      for (scalar, child) in children[node].sorted(by: { $0.key < $1.key })
      where plain.contains(scalar) {
        ways.append(.sequence([.scalars(ScalarSet([scalar...scalar])), expressions[child]]))
      }
      expressions[node] = try rules.add("other key", .choice(ways))
    }
    return .sequence([.text("\""), expressions[0]])
  }
}
