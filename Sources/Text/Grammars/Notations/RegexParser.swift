import MeshTypes

/// Reads regular expressions: what ECMA-262, Python and Rust have in common and what needs no memory
/// of what was matched. Back references, look-around, word boundaries and flags are errors.
///
/// `\d` and `\w` are ASCII; `\s` and the dot are those of ECMA-262. Lazy quantifiers are as good as
/// greedy ones, since only whole matches count.
struct RegexParser {
  /// A top-level alternative.
  struct Branch {
    var expression: Expression
    /// Whether `^` stands before it.
    var isAnchoredAtStart = false
    /// Whether `$` stands after it.
    var isAnchoredAtEnd = false
  }

  var cursor: ScalarCursor
  var budget: GrammarBudget
  private let prefix: String
  /// How a set of scalars is written.
  private let spell: (ScalarSet) -> Expression
  private var depth = 0

  private init(
    _ text: String,
    _ budget: GrammarBudget,
    prefix: String,
    spell: @escaping (ScalarSet) -> Expression
  ) {
    cursor = ScalarCursor(text)
    self.budget = budget
    self.prefix = prefix
    self.spell = spell
  }

  /// The texts that match as a whole. Anchors at the ends change nothing.
  static func wholeMatch(
    _ text: String,
    _ budget: inout GrammarBudget
  ) throws(MeshError) -> Expression {
    .choice(try branches(of: text, &budget, prefix: "", spell: Self.plain).map(\.expression))
  }

  /// The top-level alternatives of an expression.
  ///
  /// - Parameters:
  ///   - prefix: What errors name before the place in the text.
  ///   - spell: How a set of scalars is written.
  static func branches(
    of text: String,
    _ budget: inout GrammarBudget,
    prefix: String,
    spell: @escaping (ScalarSet) -> Expression
  ) throws(MeshError) -> [Branch] {
    var parser = Self(text, budget, prefix: prefix, spell: spell)
    defer { budget = parser.budget }
    var branches: [Branch] = []
    repeat { branches.append(try parser.parseBranch()) } while parser.cursor.take("|")
    guard parser.cursor.current == nil else { throw parser.invalid("unmatched ')'") }
    return branches
  }

  /// Scalars as they are.
  static func plain(_ set: ScalarSet) -> Expression {
    guard set.ranges.count == 1, let range = set.ranges.first, range.count == 1,
      let scalar = Unicode.Scalar(range.lowerBound)
    else { return .scalars(set) }
    return .text(String(Character(scalar)))
  }

  private var place: String { prefix + cursor.place }
  func invalid(_ message: String) -> MeshError { budget.invalid(message, at: place) }
  func unsupported(_ message: String) -> MeshError {
    budget.unsupported(message, at: place)
  }

  private mutating func parseBranch() throws(MeshError) -> Branch {
    let isAnchoredAtStart = cursor.take("^")
    var branch = Branch(expression: try parseSequence(), isAnchoredAtStart: isAnchoredAtStart)
    branch.isAnchoredAtEnd = cursor.take("$")
    if cursor.current == "$" || branch.isAnchoredAtEnd && ![nil, "|"].contains(cursor.current) {
      throw unsupported("anchors must stand at the ends of the whole expression")
    }
    return branch
  }

  private mutating func parseSequence() throws(MeshError) -> Expression {
    var parts: [Expression] = []
    while let scalar = cursor.current, !["|", ")", "$"].contains(scalar) {
      parts.append(try parseQuantified())
    }
    return parts.count == 1 ? parts[0] : .sequence(parts)
  }

  private mutating func parseQuantified() throws(MeshError) -> Expression {
    try budget.spend()
    let atom = try parseAtom()
    guard let (minimum, maximum) = try parseQuantifier() else { return atom }
    if cursor.current == "+" { throw unsupported("possessive quantifiers are not known") }
    _ = cursor.take("?")
    if let next = cursor.current, ["*", "+", "?", "{"].contains(next) {
      throw invalid("nothing to repeat")
    }
    return .repetition(atom, minimum: minimum, maximum: maximum)
  }

  private mutating func parseQuantifier() throws(MeshError) -> (Int, Int?)? {
    if cursor.take("*") { return (0, nil) }
    if cursor.take("+") { return (1, nil) }
    if cursor.take("?") { return (0, 1) }
    guard cursor.current == "{" else { return nil }
    let start = cursor
    cursor.position += 1
    guard let minimum = cursor.takeNumber() else {
      cursor = start
      throw invalid("a '{' that begins no quantifier must be escaped")
    }
    let isRange = cursor.take(",")
    let maximum = isRange ? cursor.takeNumber() : minimum
    guard cursor.take("}") else { throw invalid("expected '}'") }
    try budget.checkRepetitions(minimum, at: place)
    if let maximum {
      try budget.checkRepetitions(maximum, at: place)
      guard minimum <= maximum else { throw invalid("\(minimum) is more than \(maximum)") }
    }
    return (minimum, maximum)
  }

  private mutating func parseAtom() throws(MeshError) -> Expression {
    switch cursor.current {
    case "(": return try parseGroup()
    case "[": return spell(try parseClass())
    case ".":
      cursor.position += 1
      return spell(ScalarSet.lineEnds.complement)
    case "\\": return spell(try parseEscape())
    case "*", "+", "?": throw invalid("nothing to repeat")
    case "{": throw invalid("a '{' that begins no quantifier must be escaped")
    case "^": throw unsupported("anchors must stand at the ends of the whole expression")
    default:
      guard let scalar = cursor.next() else { throw invalid("expected more") }
      return spell(ScalarSet([scalar.value...scalar.value]))
    }
  }

  private mutating func parseGroup() throws(MeshError) -> Expression {
    depth += 1
    try budget.checkNesting(depth, at: place)
    let start = cursor
    cursor.position += 1
    if cursor.take("?") {
      let isNamed = cursor.take("P<") || cursor.take("<") && !["=", "!"].contains(cursor.current)
      if isNamed {
        while let scalar = cursor.current, scalar != ">" {
          guard scalar == "_" || Character(scalar).isLetter || Character(scalar).isNumber else {
            throw invalid("expected a group's name")
          }
          cursor.position += 1
        }
        guard cursor.take(">") else { throw invalid("expected '>'") }
      } else if !cursor.take(":") {
        cursor = start
        throw unsupported("look-around, flags and atomic groups are not known")
      }
    }
    var alternatives: [Expression] = []
    repeat { alternatives.append(try parseSequence()) } while cursor.take("|")
    if cursor.current == "$" {
      throw unsupported("anchors must stand at the ends of the whole expression")
    }
    guard cursor.take(")") else {
      cursor = start
      throw invalid("'(' is not closed")
    }
    depth -= 1
    return alternatives.count == 1 ? alternatives[0] : .choice(alternatives)
  }
}
