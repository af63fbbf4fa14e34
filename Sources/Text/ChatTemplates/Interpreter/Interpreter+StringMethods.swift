extension Interpreter {
  /// The methods of Python's `str` that are reachable.
  static let stringMethods: Set<String> = [
    "capitalize", "casefold", "center", "count", "endswith", "find", "format", "index", "isalnum",
    "isalpha", "isascii", "isdecimal", "isdigit", "islower", "isnumeric", "isspace", "istitle",
    "isupper", "join", "ljust", "lower", "lstrip", "partition", "removeprefix", "removesuffix",
    "replace", "rfind", "rindex", "rjust", "rpartition", "rsplit", "rstrip", "split", "splitlines",
    "startswith", "strip", "swapcase", "title", "upper", "zfill",
  ]

  /// Calls a method of a string.
  func callStringMethod(
    _ name: String,
    of text: String,
    _ arguments: CallArguments
  ) throws(TemplateFailure) -> Value {
    try charge(text: text)
    if let result = try caseMethod(name, of: text, arguments) { return result }
    if let result = try searchMethod(name, of: text, arguments) { return result }
    if let result = try splitMethod(name, of: text, arguments) { return result }
    switch name {
    case "strip", "lstrip", "rstrip":
      let given = try positional(arguments, 0...1, name)
      return .string(
        try stripped(text, given.first, left: name != "rstrip", right: name != "lstrip")
      )
    case "join":
      let given = try positional(arguments, 1...1, name)
      return .string(
        try joined(try items(of: given[0]), text) { (item) throws(TemplateFailure) in
          try Optional(item).text("an item to join")
        }
      )
    case "replace":
      let given = try arguments.bound(to: "old", "new", "count", for: name)
      return .string(
        try replaced(
          text,
          try given[0].text("old"),
          by: try given[1].text("new"),
          count: try given[2].integer("count") ?? -1
        )
      )
    case "removeprefix":
      let prefix = try Optional(try positional(arguments, 1...1, name)[0]).text("the prefix")
      let matches = text.utf8.starts(with: prefix.utf8)
      return .string(
        matches ? String(decoding: text.utf8.dropFirst(prefix.utf8.count), as: UTF8.self) : text
      )
    case "removesuffix":
      let suffix = try Optional(try positional(arguments, 1...1, name)[0]).text("the suffix")
      let matches = ends(text, with: suffix)
      return .string(
        matches ? String(decoding: text.utf8.dropLast(suffix.utf8.count), as: UTF8.self) : text
      )
    case "zfill", "center", "ljust", "rjust": return .string(try padMethod(name, text, arguments))
    case "format": return .string(try braceFormat(text, arguments))
    default: throw TemplateFailure("the method '\(name)' of strings is not supported")
    }
  }

  /// The arguments of a method that takes no keywords.
  private func positional(
    _ arguments: CallArguments,
    _ counts: ClosedRange<Int>,
    _ name: String
  ) throws(TemplateFailure) -> [Value] {
    guard arguments.keyword.isEmpty else {
      throw TemplateFailure("\(name)() takes no keyword arguments")
    }
    guard counts.contains(arguments.positional.count) else {
      throw TemplateFailure("\(name)() does not take \(arguments.positional.count) arguments")
    }
    return arguments.positional
  }

  // MARK: - Case and kinds of characters

  private func caseMethod(
    _ name: String,
    of text: String,
    _ arguments: CallArguments
  ) throws(TemplateFailure) -> Value? {
    let scalars = text.unicodeScalars
    func all(_ holds: (Unicode.Scalar) -> Bool) -> Value {
      .boolean(!scalars.isEmpty && scalars.allSatisfy(holds))
    }
    let result: Value
    switch name {
    case "upper": result = .string(uppercased(text))
    case "lower", "casefold":
      result = .string(lowercased(text))
    case "capitalize": result = .string(capitalized(text))
    case "title": result = .string(titlecased(text))
    case "swapcase": result = .string(swapCased(text))
    case "islower": result = .boolean(isCased(text) { $0.isLowercase })
    case "isupper": result = .boolean(isCased(text) { $0.isUppercase })
    case "istitle":
      result = .boolean(
        scalars.contains { $0.properties.isCased } && sameText(titlecased(text), text)
      )
    case "isascii": result = .boolean(scalars.allSatisfy(\.isASCII))
    case "isspace": result = all(\.isPythonSpace)
    case "isalpha": result = all(\.isLetter)
    case "isdecimal": result = all { $0.properties.numericType == .decimal }
    case "isdigit":
      result = all { $0.properties.numericType == .decimal || $0.properties.numericType == .digit }
    case "isnumeric": result = all { $0.properties.numericType != nil }
    case "isalnum": result = all { $0.isLetter || $0.properties.numericType != nil }
    default: return nil
    }
    _ = try positional(arguments, 0...0, name)
    return result
  }

  // MARK: - Searching

  private func searchMethod(
    _ name: String,
    of text: String,
    _ arguments: CallArguments
  ) throws(TemplateFailure) -> Value? {
    switch name {
    case "find", "rfind", "index", "rindex", "count", "startswith", "endswith": break
    default: return nil
    }
    let given = try positional(arguments, 1...3, name)
    let bounds = (given.dropFirst() + [.none, .none]).prefix(2).map { Optional($0) }
    let part = try slicedBytes(text, bounds)
    if name == "startswith" || name == "endswith" {
      guard let part else { return .boolean(false) }
      let affixes = if case .tuple(let storage) = given[0] { storage.items } else { [given[0]] }
      for affix in affixes {
        let affix = Array(try Optional(affix).text("what \(name) looks for").utf8)
        let matches =
          name == "startswith"
          ? part.bytes.starts(with: affix)
          : affix.count <= part.bytes.count && part.bytes.suffix(affix.count).elementsEqual(affix)
        if matches { return .boolean(true) }
      }
      return .boolean(false)
    }
    let needle = Array(try Optional(given[0]).text("what \(name) looks for").utf8)
    guard let part else { return try notFound(name) }
    try charge((part.bytes.count + needle.count) / 8)
    if name == "count" { return .integer(count(of: needle, in: part.bytes)) }
    let found =
      name.hasPrefix("r")
      ? lastPlace(of: needle, in: part.bytes)
      : firstPlace(of: needle, in: part.bytes, from: 0)
    guard let found else { return try notFound(name) }
    let before = String(decoding: part.bytes[..<found.lowerBound], as: UTF8.self)
    return .integer(part.offset + before.unicodeScalars.count)
  }

  private func notFound(_ name: String) throws(TemplateFailure) -> Value {
    if name == "count" { return .integer(0) }
    guard !name.hasSuffix("index") else { throw TemplateFailure("substring not found") }
    return .integer(-1)
  }

  /// The bytes between optional bounds in code points; `nil` where they start beyond the end.
  private func slicedBytes(
    _ text: String,
    _ bounds: [Value?]
  ) throws(TemplateFailure) -> (bytes: [UInt8], offset: Int)? {
    if bounds.allSatisfy({ $0.given == nil }) { return (Array(text.utf8), 0) }
    let scalars = Array(text.unicodeScalars)
    if let start = try bounds[0].integer("start"), start > scalars.count { return nil }
    let range = try range(bounds, count: scalars.count)
    return (Array(String(scalars: scalars[range]).utf8), range.lowerBound)
  }

  private func count(of needle: [UInt8], in bytes: [UInt8]) -> Int {
    if needle.isEmpty { return String(decoding: bytes, as: UTF8.self).unicodeScalars.count + 1 }
    var count = 0
    var position = 0
    while let found = firstPlace(of: needle, in: bytes, from: position) {
      count += 1
      position = found.upperBound
    }
    return count
  }

  /// Whether a string ends with another.
  private func ends(_ text: String, with suffix: String) -> Bool {
    suffix.utf8.count <= text.utf8.count
      && text.utf8.suffix(suffix.utf8.count).elementsEqual(suffix.utf8)
  }

  // MARK: - Changing

  /// The text without white space, or without these characters, at its ends.
  func stripped(
    _ text: String,
    _ characters: Value?,
    left: Bool = true,
    right: Bool = true
  ) throws(TemplateFailure) -> String {
    guard let characters = characters.given else { return text.trimmed(left: left, right: right) }
    let dropped = Set(try Optional(characters).text("the characters to strip").unicodeScalars)
    return text.trimmed(left: left, right: right) { dropped.contains($0) }
  }

  /// The text with up to `count` occurrences replaced; all when negative.
  func replaced(
    _ text: String,
    _ old: String,
    by new: String,
    count: Int
  ) throws(TemplateFailure) -> String {
    let bytes = Array(text.utf8)
    let needle = Array(old.utf8)
    let replacement = Array(new.utf8)
    try charge((bytes.count + needle.count) / 8)
    var result: [UInt8] = []
    var position = 0
    var copied = 0
    var remaining = count < 0 ? Int.max : count
    while remaining > 0, let found = firstPlace(of: needle, in: bytes, from: position) {
      result += bytes[copied..<found.lowerBound]
      result += replacement
      guard result.count <= limits.outputBytes else {
        throw .limit("the bytes of a string", limits.outputBytes)
      }
      copied = found.upperBound
      position = copied
      remaining -= 1
      guard needle.isEmpty else { continue }
      guard position < bytes.count else { break }
      repeat { position += 1 } while position < bytes.count && bytes[position] & 0xC0 == 0x80
    }
    result += bytes[copied...]
    return String(decoding: result, as: UTF8.self)
  }

  /// Which side of a text padding goes to.
  enum PaddedSide {
    case left, right, both
  }

  /// The text filled up to a width in code points.
  func padded(
    _ text: String,
    to width: Int,
    with fill: Unicode.Scalar,
    side: PaddedSide
  ) throws(TemplateFailure) -> String {
    let missing = width.subtractingReportingOverflow(text.unicodeScalars.count)
    guard !missing.overflow, missing.partialValue > 0 else { return text }
    let count = missing.partialValue
    guard count <= limits.outputBytes / 4 else {
      throw .limit("the width of a string", limits.outputBytes / 4)
    }
    let left =
      switch side {
      case .left: count
      case .right: 0
      case .both: count / 2 + (count & width & 1)
      }
    let filler = String(Character(fill))
    return String(repeating: filler, count: left) + text
      + String(repeating: filler, count: count - left)
  }

  private func padMethod(
    _ name: String,
    _ text: String,
    _ arguments: CallArguments
  ) throws(TemplateFailure) -> String {
    let given = try positional(arguments, 1...(name == "zfill" ? 1 : 2), name)
    guard let width = try Optional(given[0]).integer("the width") else {
      throw TemplateFailure("the width must be an integer")
    }
    if name == "zfill" {
      let hasSign = text.utf8.first == ascii("-") || text.utf8.first == ascii("+")
      guard hasSign else { return try padded(text, to: width, with: "0", side: .left) }
      let rest = String(text.unicodeScalars.dropFirst())
      let filled = try padded(rest, to: max(0, width.addingSaturating(-1)), with: "0", side: .left)
      return String(text.unicodeScalars.prefix(1)) + filled
    }
    let fill = given.count > 1 ? try Optional(given[1]).text("the fill character") : " "
    guard let scalar = fill.unicodeScalars.first, fill.unicodeScalars.count == 1 else {
      throw TemplateFailure("the fill character must be exactly one character long")
    }
    return try padded(
      text,
      to: width,
      with: scalar,
      side: name == "center" ? .both : name == "ljust" ? .right : .left
    )
  }
}

extension Unicode.Scalar {
  /// What Python's `str.isalpha` says.
  fileprivate var isLetter: Bool {
    switch properties.generalCategory {
    case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter: true
    default: false
    }
  }
}
