import JSONText
import MeshTypes

/// The types that a schema allows.
struct SchemaTypes: Hashable {
  /// In a fixed order; never both `integer` and `number`, which takes in the former.
  private(set) var names: [String]

  static let all = Self(["null", "boolean", "number", "string", "array", "object"])
  private static let order = [
    "null", "boolean", "integer", "number", "string", "array", "object",
  ]

  init(_ names: Set<String>) {
    self.names = Self.order.filter {
      names.contains($0) && !($0 == "integer" && names.contains("number"))
    }
  }

  /// The types of a schema: what `type` says, else those that its keywords are about, else all.
  init(of node: SchemaNode, _ budget: GrammarBudget) throws(MeshError) {
    guard let keyword = node["type"] else {
      let about = SchemaKeywords.byType.filter { $1.contains { node[$0] != nil } }.keys
      self = about.isEmpty ? .all : Self(Set(about))
      return
    }
    var names: Set<String> = []
    for value in keyword.value.elementsOrSelf {
      guard case .string(let name) = value, Self.order.contains(name) else {
        throw budget.invalid("must be a type's name or an array of such", at: keyword.path)
      }
      names.insert(name)
    }
    self.init(names)
  }

  func intersection(_ other: Self) -> Self {
    Self(Set(Self.order.filter { contains($0) && other.contains($0) }))
  }

  private func contains(_ name: String) -> Bool {
    names.contains(name) || name == "integer" && names.contains("number")
  }

  /// Whether a value is of one of the types.
  func allow(_ value: JSONValue) -> Bool {
    switch value {
    case .null: contains("null")
    case .boolean: contains("boolean")
    case .integer: contains("integer")
    case .number(let number): contains(number == number.rounded() ? "integer" : "number")
    case .string: contains("string")
    case .array: contains("array")
    case .object: contains("object")
    }
  }
}

extension JSONValue {
  /// An array's elements, or the value alone.
  var elementsOrSelf: [JSONValue] {
    if case .array(let elements) = self { elements } else { [self] }
  }
}
