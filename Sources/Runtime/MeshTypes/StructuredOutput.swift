/// A description of the texts that a generation may give, as a user writes it.
public enum StructuredOutput: Hashable, Sendable {
  /// A JSON Schema, as JSON text.
  case jsonSchema(String)
  /// A regular expression that the whole text matches.
  case regularExpression(String)
  /// A grammar in llama.cpp's notation whose rule `root` is the whole text.
  case gbnf(String)

  /// The most bytes of a source.
  public static let maximumBytes = 256 << 10

  /// The name of the request's field, for errors.
  public var field: String {
    switch self {
    case .jsonSchema: "structured_output.json_schema"
    case .regularExpression: "structured_output.regex"
    case .gbnf: "structured_output.grammar"
    }
  }

  /// The source text.
  public var text: String {
    switch self {
    case .jsonSchema(let text), .regularExpression(let text), .gbnf(let text): text
    }
  }
}
