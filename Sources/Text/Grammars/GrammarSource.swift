package import MeshTypes

/// A description of the texts that a generation may give, as a user writes it.
package enum GrammarSource: Hashable, Sendable {
  /// A JSON Schema, as JSON text.
  case jsonSchema(String)
  /// A regular expression that the whole text matches.
  case regularExpression(String)
  /// A grammar in llama.cpp's notation whose rule `root` is the whole text.
  case gbnf(String)

  /// The name of the request's field, for errors.
  package var field: String {
    switch self {
    case .jsonSchema: "structured_output.json_schema"
    case .regularExpression: "structured_output.regex"
    case .gbnf: "structured_output.grammar"
    }
  }

  /// The source text.
  package var text: String {
    switch self {
    case .jsonSchema(let text), .regularExpression(let text), .gbnf(let text): text
    }
  }
}

extension Grammar {
  /// Compiles a grammar.
  ///
  /// - Parameters:
  ///   - source: Untrusted.
  ///   - limits: What it may cost.
  /// - Throws: `MeshError` with ``GrammarSource/field`` and the place in the source:
  ///   `invalidArgument` for a wrong, contradictory or left-recursive source, `unimplemented` for
  ///   what Weft cannot enforce, `outOfRange` for what costs more than `limits` allow.
  package init(
    compiling source: GrammarSource,
    limits: GrammarLimits = GrammarLimits()
  ) throws(MeshError) {
    guard source.text.utf8.count <= limits.sourceBytes else {
      throw MeshError(
        .outOfRange,
        "\(source.field) must have 0...\(limits.sourceBytes) bytes, has \(source.text.utf8.count)",
        field: source.field
      )
    }
    var rules = GrammarRules(field: source.field, limits: limits)
    let root =
      switch source {
      case .jsonSchema(let text): try JSONSchemaCompiler.compile(text, into: &rules)
      case .regularExpression(let text): try RegexParser.wholeMatch(text, &rules.budget)
      case .gbnf(let text): try GBNFParser.parse(text, into: &rules)
      }
    try self.init(root: root, rules: rules)
  }
}
