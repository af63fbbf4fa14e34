import JSONText
import MeshTypes

/// Compiles JSON Schemas (draft 2020-12, and what older drafts write differently).
///
/// Every text it allows is valid JSON that validates; not every document that validates is allowed:
/// properties come in the schema's order, others only where `additionalProperties` asks for them,
/// white space and digits are bounded (``JSONTexts``). A keyword that constrains and is not known,
/// or not in this combination, is an error that names its place.
struct JSONSchemaCompiler {
  var rules: GrammarRules
  var texts = JSONTexts()
  let root: JSONValue
  /// The rules of schemas that are referred to, by their place in the document.
  private var rulesByPointer: [String: RuleID] = [:]
  /// Schemas that references have led to.
  var schemasByPointer: [String: JSONValue] = [:]
  private var depth = 0

  /// Compiles a schema.
  ///
  /// - Returns: The JSON texts that it allows.
  static func compile(
    _ text: String,
    into rules: inout GrammarRules
  ) throws(MeshError) -> Expression {
    let limits = rules.budget.limits
    let root: JSONValue
    do {
      root = try JSONValue(
        parsing: Array(text.utf8),
        subject: rules.budget.field,
        limits: JSONLimits(
          byteCount: limits.sourceBytes,
          depth: 4 * limits.nesting,
          valueCount: limits.workUnits
        )
      )
    } catch {
      throw MeshError(.invalidArgument, error.message, field: rules.budget.field)
    }
    var compiler = Self(rules: rules, root: root)
    defer { rules = compiler.rules }
    return try compiler.reference("#", at: "#")
  }

  private init(rules: GrammarRules, root: JSONValue) {
    self.rules = rules
    self.root = root
  }

  /// What a schema allows.
  mutating func compile(_ schema: JSONValue, at path: String) throws(MeshError) -> Expression {
    depth += 1
    defer { depth -= 1 }
    try rules.budget.checkNesting(depth, at: path)
    if case .object(let members) = schema, let pointer = Self.onlyReference(members) {
      return try reference(pointer, at: path)
    }
    return try compile(try node(schema, at: path))
  }

  /// The reference of a schema that is nothing else.
  private static func onlyReference(_ members: [JSONValue.Member]) -> String? {
    let constraining = members.filter { !SchemaKeywords.annotations.contains($0.key) }
    guard constraining.count == 1, constraining[0].key == "$ref",
      case .string(let pointer) = constraining[0].value
    else { return nil }
    return pointer
  }

  /// The rule of a schema elsewhere in the document.
  private mutating func reference(
    _ pointer: String,
    at path: String
  ) throws(MeshError) -> Expression {
    if let known = rulesByPointer[pointer] { return .rule(known) }
    let target = try resolve(pointer, at: path)
    let rule = try rules.declare(pointer)
    rulesByPointer[pointer] = rule
    rules.define(rule, as: try compile(target, at: pointer))
    return .rule(rule)
  }

  private mutating func compile(_ node: SchemaNode) throws(MeshError) -> Expression {
    try rules.budget.spend()
    if node.isNever { return .choice([]) }
    if var group = node.alternatives.first {
      var rest = node
      rest.alternatives.removeFirst()
      if group.isExclusive { try checkDisjoint(&group, of: rest) }
      var expressions: [Expression] = []
      for (index, alternative) in group.schemas.enumerated() {
        let path = "\(group.path)/\(index)"
        depth += 1
        defer { depth -= 1 }
        try rules.budget.checkNesting(depth, at: path)
        if rest.isUnconstrained {
          expressions.append(try compile(alternative, at: path))
        } else {
          let other = try self.node(alternative, at: path)
          expressions.append(try compile(try merge(rest, other)))
        }
      }
      return .choice(expressions)
    }
    if let values = node["enum"] { return try compileEnumeration(values, of: node) }
    return try compileTypes(of: node)
  }

  private mutating func compileEnumeration(
    _ values: SchemaNode.Keyword,
    of node: SchemaNode
  ) throws(MeshError) -> Expression {
    guard case .array(let elements) = values.value else {
      throw rules.budget.invalid("must be an array", at: values.path)
    }
    let others = node.keywords.keys.filter { $0 != "enum" && $0 != "type" }.sorted()
    if let other = others.first, let keyword = node[other] {
      throw rules.budget.unsupported("is not known beside enum or const", at: keyword.path)
    }
    let types = try SchemaTypes(of: node, rules.budget)
    try rules.budget.spend(elements.count)
    let space = try texts.space(&rules)
    return .choice(
      elements.filter { types.allow($0) }.map { JSONSpelling.expression(of: $0, space) }
    )
  }

  private mutating func compileTypes(of node: SchemaNode) throws(MeshError) -> Expression {
    let types = try SchemaTypes(of: node, rules.budget)
    let bounded = node.keywords.keys.contains { $0 != "type" }
    if types == .all, !bounded { return try texts.value(&rules) }
    var expressions: [Expression] = []
    for type in types.names {
      switch type {
      case "null": expressions.append(.text("null"))
      case "boolean": expressions.append(.choice([.text("true"), .text("false")]))
      case "integer": expressions.append(try compileNumber(node, isInteger: true))
      case "number": expressions.append(try compileNumber(node, isInteger: false))
      case "string": expressions.append(try compileString(node))
      case "array": expressions.append(try compileArray(node))
      default: expressions.append(try compileObject(node))
      }
    }
    return .choice(expressions)
  }
}
