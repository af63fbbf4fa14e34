package import MeshTypes

extension Grammar {
  /// Compiles a grammar.
  ///
  /// - Parameters:
  ///   - source: Untrusted.
  ///   - limits: What it may cost.
  /// - Throws: `MeshError` with ``StructuredOutput/field`` and the place in the source:
  ///   `invalidArgument` for a wrong, contradictory or left-recursive source, `unimplemented` for
  ///   what Weft cannot enforce, `outOfRange` for what costs more than `limits` allow.
  package init(
    compiling source: StructuredOutput,
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
