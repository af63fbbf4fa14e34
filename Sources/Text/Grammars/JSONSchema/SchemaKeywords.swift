/// The keywords of JSON Schema that are known.
enum SchemaKeywords {
  /// Those that say nothing about which documents validate.
  static let annotations: Set<String> = [
    "$anchor", "$comment", "$defs", "$id", "$schema", "$vocabulary", "default", "definitions",
    "deprecated", "description", "discriminator", "example", "examples", "id", "readOnly", "strict",
    "title", "writeOnly",
  ]

  /// Those that say something about values of one type, by type.
  static let byType: [String: Set<String>] = [
    "integer": numeric, "number": numeric,
    "string": ["format", "maxLength", "minLength", "pattern"],
    "array": ["items", "maxItems", "minItems", "prefixItems"],
    "object": [
      "additionalProperties", "maxProperties", "minProperties", "properties", "required",
    ],
  ]

  private static let numeric: Set = [
    "exclusiveMaximum", "exclusiveMinimum", "maximum", "minimum", "multipleOf",
  ]

  /// Those that say something about values of all types.
  static let general: Set<String> = ["$ref", "allOf", "anyOf", "const", "enum", "oneOf", "type"]

  /// Older spellings, and keywords that are known with a value that asks for nothing.
  static let converted: Set<String> = ["additionalItems", "uniqueItems"]

  static let known = byType.values.reduce(annotations.union(general).union(converted)) {
    $0.union($1)
  }
}
