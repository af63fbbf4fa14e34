import MeshTypes

/// A grammar and a text of it.
struct Example {
  var name: String
  var source: StructuredOutput
  var text: String

  static let all = [
    Self(name: "person", source: .jsonSchema(person), text: personText),
    Self(
      name: "40 persons",
      source: .jsonSchema(#"{"type":"array","items":\#(person)}"#),
      text: "[" + Array(repeating: personText, count: 40).joined(separator: ", ") + "]"
    ),
    Self(name: "tool calls", source: .jsonSchema(tools), text: toolsText),
    Self(name: "any JSON", source: .jsonSchema("{}"), text: personText),
    Self(
      name: "maxLength 500",
      source: .jsonSchema(#"{"type":"string","maxLength":500}"#),
      text: "\"" + String(repeating: "The quick brown fox jumps. ", count: 18) + "\""
    ),
    Self(
      name: "date-time regex",
      source: .regularExpression(#"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z"#),
      text: "2025-11-24T15:07:09Z"
    ),
    Self(name: "GBNF arithmetic", source: .gbnf(arithmetic), text: "((a1 +b) *37- c)=12\n"),
  ]

  private static let person = """
    {"type": "object", "properties": {
      "name": {"type": "string"}, "age": {"type": "integer", "minimum": 0, "maximum": 150},
      "email": {"type": "string", "format": "email"},
      "tags": {"type": "array", "items": {"type": "string"}, "maxItems": 8},
      "address": {"type": "object", "properties": {
        "street": {"type": "string"}, "city": {"type": "string"},
        "country": {"enum": ["DE", "FR", "IT", "JP", "US"]}},
        "required": ["street", "city", "country"]},
      "height": {"type": "number"}, "member": {"type": "boolean"}},
      "required": ["name", "age", "tags", "address"]}
    """

  private static let personText = """
    {"name": "Ada Lovelace", "age": 36, "email": "ada@example.com", "tags": ["mathematics", \
    "analytical engine"], "address": {"street": "12 St James's Square", "city": "London", \
    "country": "US"}, "height": 1.65, "member": true}
    """

  private static let tools = """
    {"anyOf": [
      {"type": "object", "properties": {"name": {"const": "get_weather"}, "arguments":
        {"type": "object", "properties": {"city": {"type": "string"},
         "unit": {"enum": ["celsius", "fahrenheit"]}}, "required": ["city"]}},
       "required": ["name", "arguments"]},
      {"type": "object", "properties": {"name": {"const": "search"}, "arguments":
        {"type": "object", "properties": {"query": {"type": "string"},
         "limit": {"type": "integer", "minimum": 1, "maximum": 50}}, "required": ["query"]}},
       "required": ["name", "arguments"]}]}
    """

  private static let toolsText =
    #"{"name": "search", "arguments": {"query": "structured output with small models", "limit": 20}}"#

  private static let arithmetic = #"""
    root  ::= (expr "=" ws term "\n")+
    expr  ::= term ([-+*/] ws term)*
    term  ::= ident | num | "(" ws expr ")" ws
    ident ::= [a-z] [a-z0-9_]* ws
    num   ::= [0-9]+ ws
    ws    ::= [ \t]*
    """#
}
