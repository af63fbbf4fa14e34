import JSONText
import MeshTypes

/// A schema whose references and `allOf` have been merged into it.
struct SchemaNode {
  /// A keyword's value, and where it stands in the document.
  struct Keyword: Hashable {
    var value: JSONValue
    var path: String
  }

  /// An `anyOf` or `oneOf`.
  struct Alternatives {
    var schemas: [JSONValue]
    var path: String
    /// Whether just one of them may validate.
    var isExclusive: Bool
  }

  let path: String
  /// Without annotations; `const` stands as `enum`.
  var keywords: [String: Keyword] = [:]
  var alternatives: [Alternatives] = []
  /// Whether nothing validates.
  var isNever = false

  init(path: String) { self.path = path }

  /// Whether everything validates.
  var isUnconstrained: Bool { keywords.isEmpty && alternatives.isEmpty && !isNever }

  subscript(keyword: String) -> Keyword? { keywords[keyword] }
}

extension JSONSchemaCompiler {
  /// Reads a schema, its references and `allOf` merged into it.
  mutating func node(
    _ schema: JSONValue,
    at path: String,
    depth: Int = 0
  ) throws(MeshError) -> SchemaNode {
    try rules.budget.spend()
    try rules.budget.checkNesting(depth, at: path)
    var node = SchemaNode(path: path)
    switch schema {
    case .boolean(let isAnything): node.isNever = !isAnything
    case .object(let members):
      for member in members {
        try add(member, of: schema, to: &node)
      }
      for key in ["$ref", "allOf"] {
        guard let keyword = node.keywords.removeValue(forKey: key) else { continue }
        for (other, path) in try merged(keyword, key) {
          node = try merge(node, try self.node(other, at: path, depth: depth + 1))
        }
      }
    default: throw rules.budget.invalid("a schema must be an object or a boolean", at: path)
    }
    return node
  }

  private mutating func merged(
    _ keyword: SchemaNode.Keyword,
    _ key: String
  ) throws(MeshError) -> [(JSONValue, String)] {
    if key == "$ref" {
      guard case .string(let pointer) = keyword.value else {
        throw rules.budget.invalid("must be a string", at: keyword.path)
      }
      return [(try resolve(pointer, at: keyword.path), pointer)]
    }
    return try schemas(keyword).enumerated().map { ($1, "\(keyword.path)/\($0)") }
  }

  private func schemas(_ keyword: SchemaNode.Keyword) throws(MeshError) -> [JSONValue] {
    guard case .array(let schemas) = keyword.value, !schemas.isEmpty else {
      throw rules.budget.invalid("must be an array that is not empty", at: keyword.path)
    }
    return schemas
  }

  private mutating func add(
    _ member: JSONValue.Member,
    of schema: JSONValue,
    to node: inout SchemaNode
  ) throws(MeshError) {
    try rules.budget.spend()
    let path = "\(node.path)/\(JSONPointer.escaped(member.key))"
    guard SchemaKeywords.known.contains(member.key) else {
      throw rules.budget.unsupported("this keyword is not known", at: path)
    }
    guard !SchemaKeywords.annotations.contains(member.key) else { return }
    var keyword = SchemaNode.Keyword(value: member.value, path: path)
    switch (member.key, member.value) {
    case ("anyOf", _), ("oneOf", _):
      node.alternatives.append(
        SchemaNode.Alternatives(
          schemas: try schemas(keyword),
          path: path,
          isExclusive: member.key == "oneOf"
        )
      )
    case ("const", _):
      keyword.value = .array([member.value])
      var other = SchemaNode(path: node.path)
      other.keywords["enum"] = keyword
      node = try merge(node, other)
    case ("enum", _):
      var other = SchemaNode(path: node.path)
      other.keywords["enum"] = keyword
      node = try merge(node, other)
    case ("uniqueItems", .boolean(false)): break
    case ("uniqueItems", _): throw rules.budget.unsupported("must be false", at: path)
    case ("items", .array): node.keywords["prefixItems"] = keyword
    case ("additionalItems", _):
      // Says something only beside an older draft's array of items.
      if case .array = schema["items"] { node.keywords["items"] = keyword }
    default: node.keywords[member.key] = keyword
    }
  }
}
