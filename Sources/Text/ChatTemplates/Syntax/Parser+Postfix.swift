extension Parser {
  /// Parses `.attribute`, `[item]` and `(call)` as many as there are.
  mutating func parsePostfixes() throws(TemplateFailure) -> [Postfix] {
    var postfixes: [Postfix] = []
    while true {
      switch current {
      case .symbol(.dot):
        skip()
        postfixes.append(try parseAttribute())
      case .symbol(.leftBracket):
        skip()
        postfixes.append(try parseSubscript())
      case .symbol(.leftParenthesis): postfixes.append(.call(try parseArguments()))
      default: return postfixes
      }
    }
  }

  /// Parses `|filter`, `is test` and calls of their results.
  mutating func parseFiltersAndTests() throws(TemplateFailure) -> [Postfix] {
    var postfixes: [Postfix] = []
    while true {
      switch current {
      case .symbol(.pipe):
        skip()
        postfixes.append(try parseFilter())
      case .name("is"):
        skip()
        postfixes.append(try parseTest())
      case .symbol(.leftParenthesis): postfixes.append(.call(try parseArguments()))
      default: return postfixes
      }
    }
  }

  private mutating func parseAttribute() throws(TemplateFailure) -> Postfix {
    switch current {
    case .name(let name):
      skip()
      return .attribute(name)
    case .integer(let index):
      skip()
      return .item(.literal(.integer(index)))
    default: throw unexpected("expected a name or number")
    }
  }

  private mutating func parseSubscript() throws(TemplateFailure) -> Postfix {
    var items: [Expression] = []
    while current != .symbol(.rightBracket) {
      if !items.isEmpty { try expect(.symbol(.comma)) }
      if items.isEmpty, let slice = try parseSlice() {
        try expect(.symbol(.rightBracket))
        return slice
      }
      items.append(try parseExpression())
      if items.count == 1, current == .symbol(.colon) {
        let slice = try parseSliceRest(from: items[0])
        try expect(.symbol(.rightBracket))
        return slice
      }
    }
    skip()
    guard let first = items.first else { throw failure("expected an expression in '[]'") }
    return .item(items.count == 1 ? first : .tuple(items))
  }

  /// Parses a slice that starts with a colon.
  private mutating func parseSlice() throws(TemplateFailure) -> Postfix? {
    current == .symbol(.colon) ? try parseSliceRest(from: nil) : nil
  }

  private mutating func parseSliceRest(from start: Expression?) throws(TemplateFailure) -> Postfix {
    try expect(.symbol(.colon))
    var stop: Expression?
    var step: Expression?
    if current != .symbol(.colon), current != .symbol(.rightBracket) {
      stop = try parseExpression()
    }
    if take(.colon), current != .symbol(.rightBracket) { step = try parseExpression() }
    return .slice(start: start, stop: stop, step: step)
  }

  /// Parses a filter's name and arguments.
  mutating func parseFilter() throws(TemplateFailure) -> Postfix {
    let name = try parseDottedName()
    if !Interpreter.filterNames.contains(name) { noteUnknown("filter", name) }
    return .filter(name, current == .symbol(.leftParenthesis) ? try parseArguments() : Arguments())
  }

  private mutating func parseTest() throws(TemplateFailure) -> Postfix {
    let isNegated = takeName("not")
    let name = try parseDottedName()
    if !Interpreter.testNames.contains(name) { noteUnknown("test", name) }
    var arguments = Arguments()
    if current == .symbol(.leftParenthesis) {
      arguments = try parseArguments()
    } else if startsTestArgument {
      guard !isName("is") else { throw failure("tests cannot be chained with 'is'") }
      let primary = try nested { (parser) throws(TemplateFailure) in try parser.parsePrimary() }
      let postfixes = try parsePostfixes()
      arguments.positional = [postfixes.isEmpty ? primary : .postfix(primary, postfixes)]
    }
    return .test(name, isNegated: isNegated, arguments)
  }

  private var startsTestArgument: Bool {
    switch current {
    case .name("else"), .name("or"), .name("and"): false
    case .name, .string, .integer, .float, .symbol(.leftBracket), .symbol(.leftBrace): true
    default: false
    }
  }

  private mutating func parseDottedName() throws(TemplateFailure) -> String {
    var name = try expectName()
    while take(.dot) { name += "." + (try expectName()) }
    return name
  }

  /// Parses `(a, b, *c, d=e, **f)`.
  mutating func parseArguments() throws(TemplateFailure) -> Arguments {
    try expect(.symbol(.leftParenthesis))
    var arguments = Arguments()
    var isFirst = true
    while current != .symbol(.rightParenthesis) {
      if !isFirst {
        try expect(.symbol(.comma))
        if current == .symbol(.rightParenthesis) { break }
      }
      isFirst = false
      try parseArgument(into: &arguments)
    }
    skip()
    return arguments
  }

  private mutating func parseArgument(into arguments: inout Arguments) throws(TemplateFailure) {
    if take(.star) {
      guard arguments.spread == nil, arguments.keywordSpread == nil else {
        throw failure("invalid order of arguments")
      }
      arguments.spread = try parseExpression()
    } else if take(.doubleStar) {
      guard arguments.keywordSpread == nil else { throw failure("invalid order of arguments") }
      arguments.keywordSpread = try parseExpression()
    } else if case .name(let name) = current, following == .symbol(.assign) {
      guard arguments.keywordSpread == nil else { throw failure("invalid order of arguments") }
      skip()
      skip()
      guard !arguments.keyword.contains(where: { sameText($0.name, name) }) else {
        throw failure("keyword argument repeated: \(name)")
      }
      arguments.keyword.append((name, try parseExpression()))
    } else {
      guard arguments.keyword.isEmpty, arguments.spread == nil, arguments.keywordSpread == nil
      else { throw failure("invalid order of arguments") }
      arguments.positional.append(try parseExpression())
    }
  }
}
