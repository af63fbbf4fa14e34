/// Builds the tree of a template from its tokens: Jinja's grammar, with a bound on nesting.
struct Parser {
  private let tokens: [(token: Token, line: Int)]
  private var position = 0
  private let maximumDepth: Int
  private var depth = 0
  private(set) var names: [String] = []
  private var numbers: [TextKey: Int] = [:]
  /// Which of `varargs`, `kwargs` and `caller` the source has mentioned so far.
  private(set) var mentions: [String] = []
  /// How many `for` bodies the parser is in, within the current macro.
  var loopDepth = 0
  /// Whether an unknown filter or test is an error only when it runs: Jinja lets templates ask
  /// with `if` for what an environment has.
  private var isConditional = false
  /// Unknown filters and tests of the statement at hand, unless they are conditional.
  var unknownNames: [TemplateFailure] = []

  private init(_ tokens: [(token: Token, line: Int)], maximumDepth: Int) {
    self.tokens = tokens
    self.maximumDepth = maximumDepth
  }

  /// Parses a template.
  static func parse(
    _ source: String,
    limits: TemplateLimits
  ) throws(TemplateFailure) -> Program {
    guard source.utf8.count <= limits.sourceBytes else {
      throw .limit("the template's bytes", limits.sourceBytes)
    }
    var parser = Parser(
      try Lexer.tokenize(source),
      maximumDepth: limits.nestingDepth
    )
    let statements = try parser.parseStatements(until: [])
    return Program(
      statements: statements,
      names: parser.names,
      loopVariable: parser.numbers[TextKey(text: "loop")]
    )
  }

  // MARK: - Tokens

  /// The token to be parsed next.
  var current: Token { tokens[position].token }

  /// The token after ``current``.
  var following: Token { tokens[min(position + 1, tokens.count - 1)].token }

  /// The line of ``current``.
  var line: Int { tokens[position].line }

  /// Goes to the next token.
  mutating func skip() { if position < tokens.count - 1 { position += 1 } }

  /// Whether ``current`` is this keyword.
  func isName(_ name: String) -> Bool { current == .name(name) }

  /// Takes this keyword if it is there.
  mutating func takeName(_ name: String) -> Bool {
    guard isName(name) else { return false }
    skip()
    return true
  }

  /// Takes this symbol if it is there.
  mutating func take(_ symbol: Symbol) -> Bool {
    guard current == .symbol(symbol) else { return false }
    skip()
    return true
  }

  /// Takes this token or throws.
  mutating func expect(_ token: Token) throws(TemplateFailure) {
    guard current == token else { throw unexpected("expected \(token.description)") }
    skip()
  }

  /// Takes a name or throws.
  mutating func expectName() throws(TemplateFailure) -> String {
    guard case .name(let name) = current else { throw unexpected("expected a name") }
    skip()
    return name
  }

  /// A failure at the current line.
  func failure(_ message: String) -> TemplateFailure { TemplateFailure(message, line: line) }

  /// A failure about the current token.
  func unexpected(_ expectation: String = "") -> TemplateFailure {
    failure(
      "unexpected \(current.description)" + (expectation.isEmpty ? "" : ", \(expectation)")
    )
  }

  /// The number of a variable.
  mutating func number(of name: String) -> Int {
    if name == "varargs" || name == "kwargs" || name == "caller" { mentions.append(name) }
    let key = TextKey(text: name)
    if let number = numbers[key] { return number }
    let number = names.count
    names.append(name)
    numbers[key] = number
    return number
  }

  /// Notes a filter or test that does not exist.
  mutating func noteUnknown(_ what: String, _ name: String) {
    if !isConditional { unknownNames.append(failure("no \(what) named '\(name)'")) }
  }

  /// Parses something one level deeper.
  mutating func nested<Result>(
    _ parse: (inout Parser) throws(TemplateFailure) -> Result
  ) throws(TemplateFailure) -> Result {
    guard depth < maximumDepth else {
      throw TemplateFailure("nesting must be at most \(maximumDepth) levels deep", line: line)
    }
    depth += 1
    defer { depth -= 1 }
    return try parse(&self)
  }

  /// Parses something in which unknown filters and tests are errors at once, or are not.
  mutating func conditional<Result>(
    _ isConditional: Bool,
    _ parse: (inout Parser) throws(TemplateFailure) -> Result
  ) throws(TemplateFailure) -> Result {
    let outer = self.isConditional
    self.isConditional = isConditional
    defer { self.isConditional = outer }
    return try parse(&self)
  }
}
