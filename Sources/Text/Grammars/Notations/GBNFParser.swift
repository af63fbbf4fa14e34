import MeshTypes

/// Reads grammars in llama.cpp's notation.
///
/// A rule is `name ::= alternatives`; alternatives are sequences with `|` between; a sequence's items
/// are `"text"`, `[class]`, `.`, a rule's name or a group in parentheses, each with `*`, `+`, `?` or
/// `{m,n}` behind it; `#` begins a comment. A rule ends at its line's end, unless a group is open
/// or the next line begins with `|`.
struct GBNFParser {
  var cursor: ScalarCursor
  var rules: GrammarRules
  private var ids: [String: RuleID] = [:]
  private var defined: Set<RuleID> = []
  /// Where a rule was first named.
  private var firstPlaces: [RuleID: String] = [:]
  private var depth = 0

  private init(_ text: String, _ rules: GrammarRules) {
    cursor = ScalarCursor(text)
    self.rules = rules
  }

  /// Reads a grammar.
  ///
  /// - Returns: Its rule `root`.
  static func parse(
    _ text: String,
    into rules: inout GrammarRules
  ) throws(MeshError) -> Expression {
    var parser = Self(text, rules)
    defer { rules = parser.rules }
    parser.skipSpace(acrossLines: true)
    while parser.cursor.current != nil { try parser.parseRule() }
    for (rule, place) in parser.firstPlaces.sorted(by: { $0.key.index < $1.key.index })
    where !parser.defined.contains(rule) {
      throw parser.rules.budget.invalid(
        "rule \"\(parser.rules.names[rule.index])\" is not defined",
        at: place
      )
    }
    guard let root = parser.ids["root"] else {
      throw .invalid(parser.rules.budget.field, "must define a rule \"root\"")
    }
    return .rule(root)
  }

  func invalid(_ message: String) -> MeshError {
    rules.budget.invalid(message, at: cursor.place)
  }

  private mutating func skipSpace(acrossLines: Bool) {
    while let scalar = cursor.current {
      switch scalar {
      case " ", "\t": cursor.position += 1
      case "\r", "\n":
        guard acrossLines else { return }
        cursor.position += 1
      case "#":
        while let scalar = cursor.current, scalar != "\n", scalar != "\r" { cursor.position += 1 }
      default: return
      }
    }
  }

  private mutating func parseName() throws(MeshError) -> RuleID {
    let place = cursor.place
    var name = ""
    while let scalar = cursor.current, Self.isPartOfName(scalar) {
      name.unicodeScalars.append(scalar)
      cursor.position += 1
    }
    guard !name.isEmpty else { throw invalid("expected a rule's name") }
    if let known = ids[name] { return known }
    let rule = try rules.declare(name)
    ids[name] = rule
    firstPlaces[rule] = place
    return rule
  }

  private static func isPartOfName(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar {
    case "a"..."z", "A"..."Z", "0"..."9", "-", "_": true
    default: false
    }
  }

  private mutating func parseRule() throws(MeshError) {
    let rule = try parseName()
    guard defined.insert(rule).inserted else {
      throw invalid("rule \"\(rules.names[rule.index])\" is defined twice")
    }
    skipSpace(acrossLines: false)
    guard cursor.take("::=") else { throw invalid("expected '::='") }
    skipSpace(acrossLines: true)
    let expression = try parseAlternatives()
    guard [nil, "\n", "\r"].contains(cursor.current) else {
      throw invalid("expected an item, '|' or the line's end")
    }
    rules.define(rule, as: expression)
    skipSpace(acrossLines: true)
  }

  private mutating func parseAlternatives() throws(MeshError) -> Expression {
    var alternatives = [try parseSequence()]
    while takeBar() {
      skipSpace(acrossLines: true)
      alternatives.append(try parseSequence())
    }
    return alternatives.count == 1 ? alternatives[0] : .choice(alternatives)
  }

  /// Leaves a bar behind, which may stand on the next line.
  private mutating func takeBar() -> Bool {
    let start = cursor
    skipSpace(acrossLines: true)
    if cursor.take("|") { return true }
    if depth == 0 { cursor = start }
    return false
  }

  private mutating func parseSequence() throws(MeshError) -> Expression {
    var items: [Expression] = []
    while let item = try parseItem() {
      skipSpace(acrossLines: depth > 0)
      items.append(try parseRepetitions(of: item))
    }
    return items.count == 1 ? items[0] : .sequence(items)
  }

  /// An item; nil where there is none.
  private mutating func parseItem() throws(MeshError) -> Expression? {
    try rules.budget.spend()
    switch cursor.current {
    case "\"": return try parseLiteral()
    case "[": return .scalars(try parseClass())
    case ".":
      cursor.position += 1
      return .scalars(.all)
    case "(": return try parseGroup()
    case "<", "!":
      throw rules.budget.unsupported("single tokens are not known", at: cursor.place)
    case let scalar? where Self.isPartOfName(scalar): return .rule(try parseName())
    default: return nil
    }
  }

  private mutating func parseGroup() throws(MeshError) -> Expression {
    depth += 1
    try rules.budget.checkNesting(depth, at: cursor.place)
    cursor.position += 1
    skipSpace(acrossLines: true)
    let group = try parseAlternatives()
    guard cursor.take(")") else { throw invalid("expected ')'") }
    depth -= 1
    return group
  }

  private mutating func parseRepetitions(of item: Expression) throws(MeshError) -> Expression {
    var item = item
    var count = 0
    while let (minimum, maximum) = try parseRepetition() {
      count += 1
      try rules.budget.checkNesting(count, at: cursor.place)
      item = .repetition(item, minimum: minimum, maximum: maximum)
      skipSpace(acrossLines: depth > 0)
    }
    return item
  }

  private mutating func parseRepetition() throws(MeshError) -> (Int, Int?)? {
    if cursor.take("*") { return (0, nil) }
    if cursor.take("+") { return (1, nil) }
    if cursor.take("?") { return (0, 1) }
    guard cursor.take("{") else { return nil }
    skipSpace(acrossLines: depth > 0)
    let first = cursor.takeNumber()
    skipSpace(acrossLines: depth > 0)
    let isRange = cursor.take(",")
    skipSpace(acrossLines: depth > 0)
    let maximum = isRange ? cursor.takeNumber() : first
    skipSpace(acrossLines: depth > 0)
    guard first != nil || isRange else { throw invalid("expected a number") }
    guard cursor.take("}") else { throw invalid("expected '}'") }
    let minimum = first ?? 0
    try rules.budget.checkRepetitions(minimum, at: cursor.place)
    if let maximum {
      try rules.budget.checkRepetitions(maximum, at: cursor.place)
      guard minimum <= maximum else { throw invalid("\(minimum) is more than \(maximum)") }
    }
    return (minimum, maximum)
  }
}
