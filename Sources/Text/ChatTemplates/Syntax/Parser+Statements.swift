extension Parser {
  /// Parses statements up to a block that starts with one of `ends`, which is left as ``current``;
  /// with no ends, up to the end of the template.
  mutating func parseStatements(until ends: Set<String>) throws(TemplateFailure) -> [Statement] {
    try nested { (parser) throws(TemplateFailure) in
      var statements: [Statement] = []
      while true {
        if let unknown = parser.unknownNames.first { throw unknown }
        let line = parser.line
        switch parser.current {
        case .text(let text):
          parser.skip()
          statements.append(Statement(line: line, kind: .text(text)))
        case .variableBegin:
          parser.skip()
          let expression = try parser.parseTuple()
          try parser.expect(.variableEnd)
          statements.append(Statement(line: line, kind: .output(expression)))
        case .blockBegin:
          parser.skip()
          if case .name(let name) = parser.current, ends.contains(name) { return statements }
          statements.append(Statement(line: line, kind: try parser.parseBlock()))
          try parser.expect(.blockEnd)
        case .end:
          guard ends.isEmpty else {
            throw parser.failure(
              "unexpected end of the template, expected "
                + ends.sorted().map { "'\($0)'" }.joined(separator: " or ")
            )
          }
          return statements
        default: throw parser.unexpected()
        }
      }
    }
  }

  /// Parses the body of a block: from before the `%}` of its start to before the `%}` of its end.
  private mutating func parseBody(until ends: Set<String>) throws(TemplateFailure) -> [Statement] {
    _ = take(.colon)
    try expect(.blockEnd)
    return try parseStatements(until: ends)
  }

  /// Parses a body with a scope of its own.
  private mutating func parseScope(until end: String) throws(TemplateFailure) -> [Statement] {
    let statements = try conditional(false) { (parser) throws(TemplateFailure) in
      try parser.parseBody(until: [end])
    }
    skip()
    return statements
  }

  /// Parses a body that runs as a function of its own, which `break` cannot leave.
  private mutating func parseFunction(until end: String) throws(TemplateFailure) -> [Statement] {
    let outer = loopDepth
    loopDepth = 0
    defer { loopDepth = outer }
    return try parseScope(until: end)
  }

  private mutating func parseBlock() throws(TemplateFailure) -> Statement.Kind {
    guard case .name(let name) = current else { throw unexpected("expected a tag's name") }
    switch name {
    case "if": return try parseIf()
    case "for": return try parseFor()
    case "set": return try parseSet()
    case "macro": return try parseMacro()
    case "call": return try parseCall()
    case "filter": return try parseFilterBlock()
    case "with": return try parseWith()
    case "generation":
      skip()
      return .generation(try parseFunction(until: "endgeneration"))
    case "print":
      skip()
      return .output(try parseTuple())
    case "break", "continue":
      guard loopDepth > 0 else { throw failure("'\(name)' outside of a loop") }
      skip()
      return name == "break" ? .breakLoop : .continueLoop
    case "block", "extends", "include", "import", "from", "autoescape", "trans", "do", "debug":
      throw failure("the tag '\(name)' is not part of chat templates")
    default: throw failure("unknown tag '\(name)'")
    }
  }

  private mutating func parseIf() throws(TemplateFailure) -> Statement.Kind {
    try conditional(true) { (parser) throws(TemplateFailure) in
      var branches: [(test: Expression, body: [Statement])] = []
      var otherwise: [Statement] = []
      repeat {
        parser.skip()
        let test = try parser.parseTuple(allowsConditional: false)
        branches.append((test, try parser.parseBody(until: ["elif", "else", "endif"])))
      } while parser.isName("elif")
      if parser.takeName("else") { otherwise = try parser.parseBody(until: ["endif"]) }
      parser.skip()
      return .conditional(branches, otherwise: otherwise)
    }
  }

  private mutating func parseFor() throws(TemplateFailure) -> Statement.Kind {
    skip()
    let target = try parseTarget(allowsNamespace: false)
    guard takeName("in") else { throw unexpected("expected 'in'") }
    let items = try parseTuple(allowsConditional: false)
    let condition = takeName("if") ? try parseExpression() : nil
    guard !isName("recursive") else { throw failure("recursive loops are not supported") }
    loopDepth += 1
    let body = try conditional(false) { (parser) throws(TemplateFailure) in
      try parser.parseBody(until: ["endfor", "else"])
    }
    loopDepth -= 1
    var otherwise: [Statement] = []
    if takeName("else") {
      otherwise = try conditional(false) { (parser) throws(TemplateFailure) in
        try parser.parseBody(until: ["endfor"])
      }
    }
    skip()
    return .loop(
      ForLoop(
        target: target,
        items: items,
        condition: condition,
        body: body,
        otherwise: otherwise
      )
    )
  }

  private mutating func parseSet() throws(TemplateFailure) -> Statement.Kind {
    skip()
    let target = try parseTarget(allowsNamespace: true)
    if take(.assign) { return .assign(target, try parseTuple()) }
    var filters: [Postfix] = []
    while take(.pipe) { filters.append(try parseFilter()) }
    let body = try parseScope(until: "endset")
    return .assignBlock(target, filters: filters, body: body)
  }

  /// Parses `name`, `a, b`, `(a, (b, c))` or, where allowed, `namespace.attribute`.
  private mutating func parseTarget(
    allowsNamespace: Bool
  ) throws(TemplateFailure) -> AssignmentTarget {
    var targets = [try parseOneTarget(allowsNamespace: allowsNamespace)]
    var isTuple = false
    while take(.comma) {
      isTuple = true
      if isName("in") || current == .symbol(.assign) || isTupleEnd { break }
      targets.append(try parseOneTarget(allowsNamespace: allowsNamespace))
    }
    return isTuple ? .tuple(targets) : targets[0]
  }

  private mutating func parseOneTarget(
    allowsNamespace: Bool
  ) throws(TemplateFailure) -> AssignmentTarget {
    if take(.leftParenthesis) {
      let target = try nested { (parser) throws(TemplateFailure) in
        try parser.parseTarget(allowsNamespace: allowsNamespace)
      }
      try expect(.symbol(.rightParenthesis))
      return target
    }
    let name = try expectName()
    guard !["true", "false", "none", "True", "False", "None"].contains(name) else {
      throw failure("cannot assign to '\(name)'")
    }
    let variable = number(of: name)
    guard allowsNamespace, take(.dot) else { return .name(variable) }
    return .attribute(of: variable, try expectName())
  }

  private mutating func parseMacro() throws(TemplateFailure) -> Statement.Kind {
    skip()
    let name = try expectName()
    let variable = number(of: name)
    let parameters = try parseParameters()
    return .macro(try parseMacroBody(name, variable, parameters, until: "endmacro"))
  }

  private mutating func parseCall() throws(TemplateFailure) -> Statement.Kind {
    skip()
    let parameters = current == .symbol(.leftParenthesis) ? try parseParameters() : []
    let call = try parseExpression()
    guard case .postfix(_, let postfixes) = call, case .call = postfixes.last else {
      throw failure("expected a call")
    }
    let caller = try parseMacroBody("caller", number(of: "caller"), parameters, until: "endcall")
    return .call(call, caller: caller)
  }

  private mutating func parseMacroBody(
    _ name: String,
    _ variable: Int,
    _ parameters: [(variable: Int, name: String, defaultValue: Expression?)],
    until end: String
  ) throws(TemplateFailure) -> MacroDefinition {
    let first = mentions.count
    let body = try parseFunction(until: end)
    let mentioned = mentions[first...]
    return MacroDefinition(
      name: name,
      variable: variable,
      parameters: parameters,
      body: body,
      takesExtraPositional: mentioned.contains("varargs"),
      takesExtraKeyword: mentioned.contains("kwargs"),
      takesCaller: mentioned.contains("caller")
    )
  }

  private mutating func parseParameters() throws(TemplateFailure)
    -> [(variable: Int, name: String, defaultValue: Expression?)]
  {
    try expect(.symbol(.leftParenthesis))
    var parameters: [(variable: Int, name: String, defaultValue: Expression?)] = []
    while current != .symbol(.rightParenthesis) {
      if !parameters.isEmpty { try expect(.symbol(.comma)) }
      let name = try expectName()
      let defaultValue = take(.assign) ? try parseExpression() : nil
      guard defaultValue != nil || parameters.last?.defaultValue == nil else {
        throw failure("a parameter without a default follows one with a default")
      }
      parameters.append((number(of: name), name, defaultValue))
    }
    skip()
    return parameters
  }

  private mutating func parseFilterBlock() throws(TemplateFailure) -> Statement.Kind {
    skip()
    var filters = [try parseFilter()]
    while take(.pipe) { filters.append(try parseFilter()) }
    return .filterBlock(filters, body: try parseScope(until: "endfilter"))
  }

  private mutating func parseWith() throws(TemplateFailure) -> Statement.Kind {
    skip()
    var assignments: [(target: AssignmentTarget, value: Expression)] = []
    while current != .blockEnd {
      if !assignments.isEmpty { try expect(.symbol(.comma)) }
      let target = try parseOneTarget(allowsNamespace: false)
      try expect(.symbol(.assign))
      assignments.append((target, try parseExpression()))
    }
    return .with(assignments, body: try parseScope(until: "endwith"))
  }
}
