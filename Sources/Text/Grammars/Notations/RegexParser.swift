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

  private var cursor: ScalarCursor
  private var budget: GrammarBudget
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
  private func invalid(_ message: String) -> MeshError { budget.invalid(message, at: place) }
  private func unsupported(_ message: String) -> MeshError {
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

// MARK: Classes and escapes

extension RegexParser {
  private mutating func parseClass() throws(MeshError) -> ScalarSet {
    let start = cursor
    cursor.position += 1
    let isComplement = cursor.take("^")
    var ranges: [ClosedRange<UInt32>] = []
    while let scalar = cursor.current, scalar != "]" {
      try budget.spend()
      if scalar == "[", let next = cursor.peek(1), [":", ".", "="].contains(next) {
        throw unsupported("POSIX classes are not known")
      }
      let low = try parseClassMember()
      guard cursor.current == "-", let next = cursor.peek(1), next != "]" else {
        ranges += low.ranges
        continue
      }
      cursor.position += 1
      let high = try parseClassMember()
      guard let first = low.single, let last = high.single else {
        throw invalid("a range must lie between two characters")
      }
      guard first <= last else { throw invalid("a range's ends are the wrong way round") }
      ranges.append(first...last)
    }
    guard cursor.take("]") else {
      cursor = start
      throw invalid("'[' is not closed")
    }
    let set = ScalarSet(ranges)
    guard isComplement || !set.isEmpty else { throw invalid("an empty class") }
    return isComplement ? set.complement : set
  }

  private mutating func parseClassMember() throws(MeshError) -> ScalarSet {
    if cursor.current == "\\" { return try parseEscape() }
    guard let scalar = cursor.next() else { throw invalid("'[' is not closed") }
    return ScalarSet([scalar.value...scalar.value])
  }

  private mutating func parseEscape() throws(MeshError) -> ScalarSet {
    let start = cursor
    cursor.position += 1
    guard let letter = cursor.next() else { throw invalid("expected an escaped character") }
    switch letter {
    case "d": return .digits
    case "D": return ScalarSet.digits.complement
    case "w": return .word
    case "W": return ScalarSet.word.complement
    case "s": return .space
    case "S": return ScalarSet.space.complement
    case "t": return ScalarSet([9...9])
    case "n": return ScalarSet([10...10])
    case "v": return ScalarSet([11...11])
    case "f": return ScalarSet([12...12])
    case "r": return ScalarSet([13...13])
    case "x":
      guard let code = cursor.takeHexadecimal(2) else { throw invalid("expected two hex digits") }
      return ScalarSet([code...code])
    case "u": return try parseUnicodeEscape()
    default:
      if letter == "0", !("0"..."9").contains(cursor.current ?? "a") { return ScalarSet([0...0]) }
      guard letter.isASCII, !Character(letter).isLetter, !Character(letter).isNumber else {
        cursor = start
        throw unsupported("\\\(letter) is not known")
      }
      return ScalarSet([letter.value...letter.value])
    }
  }

  /// `\u{1F600}`, `\u0041` or a pair of surrogates.
  private mutating func parseUnicodeEscape() throws(MeshError) -> ScalarSet {
    var code: UInt32?
    if cursor.take("{") {
      let count = (1...6).first { cursor.peek($0) == "}" }
      code = count.flatMap { cursor.takeHexadecimal($0) }
      _ = cursor.take("}")
    } else {
      code = cursor.takeHexadecimal(4)
      if let high = code, (0xD800...0xDBFF).contains(high), cursor.take("\\u"),
        let low = cursor.takeHexadecimal(4), (0xDC00...0xDFFF).contains(low)
      {
        code = 0x10000 + (high - 0xD800) << 10 + (low - 0xDC00)
      }
    }
    guard let code, let scalar = Unicode.Scalar(code) else {
      throw invalid("expected the digits of a Unicode scalar")
    }
    return ScalarSet([scalar.value...scalar.value])
  }
}

extension ScalarSet {
  /// The only scalar of the set, if it has one.
  fileprivate var single: UInt32? {
    ranges.count == 1 && ranges[0].count == 1 ? ranges[0].lowerBound : nil
  }
}
