extension Interpreter {
  /// The filters that templates can use after `|`.
  static let filterNames: Set<String> = [
    "abs", "attr", "batch", "capitalize", "center", "count", "d", "default", "dictsort", "e",
    "escape", "first", "float", "forceescape", "format", "groupby", "indent", "int", "items",
    "join", "last", "length", "list", "lower", "map", "max", "min", "reject", "rejectattr",
    "replace", "reverse", "round", "safe", "select", "selectattr", "slice", "sort", "string", "sum",
    "title", "tojson", "trim", "truncate", "unique", "upper", "wordcount",
  ]

  /// Applies a filter.
  func filter(
    _ name: String,
    _ value: Value,
    _ arguments: CallArguments
  ) throws(TemplateFailure) -> Value {
    try nested { () throws(TemplateFailure) in
      if let result = try textFilter(name, value, arguments) { return result }
      let value = value.plain
      if let result = try numberFilter(name, value, arguments) { return result }
      if let result = try sequenceFilter(name, value, arguments) { return result }
      if let result = try selectionFilter(name, value, arguments) { return result }
      if let result = try orderFilter(name, value, arguments) { return result }
      return try generalFilter(name, value, arguments)
    }
  }

  private func generalFilter(
    _ name: String,
    _ value: Value,
    _ arguments: CallArguments
  ) throws(TemplateFailure) -> Value {
    switch name {
    case "default", "d":
      let given = try arguments.bound(to: "default_value", "boolean", for: name)
      let isReplaced =
        if case .undefined = value { true } else { given[1]?.isTrue == true && !value.isTrue }
      return isReplaced ? given[0] ?? .string("") : value
    case "length", "count":
      _ = try arguments.bound(for: name)
      return .integer(try length(of: value))
    case "attr":
      let given = try arguments.bound(to: "name", for: name)
      try value.requireDefined()
      let attributeName = try given[0].text("the attribute's name")
      if case .dictionary = value { return .undefined("no attribute '\(attributeName)'") }
      return try attribute(attributeName, of: value)
    case "tojson": return .string(try json(value, arguments))
    default: throw TemplateFailure("no filter named '\(name)'")
    }
  }

  private func json(_ value: Value, _ arguments: CallArguments) throws(TemplateFailure) -> String {
    let given = try arguments.bound(
      to: "ensure_ascii",
      "indent",
      "separators",
      "sort_keys",
      for: "tojson"
    )
    var writer = JSONWriter(maximumSize: limits.outputBytes)
    writer.ensuresASCII = given[0]?.isTrue ?? false
    writer.sortsKeys = given[3]?.isTrue ?? false
    if let indentation = given[1].given {
      if case .string(let text) = indentation {
        writer.indentation = text
      } else {
        let width = try given[1].integer("indent") ?? 0
        guard width <= 256 else { throw .limit("indent", 256) }
        writer.indentation = String(repeating: " ", count: max(0, width))
      }
      writer.itemSeparator = ","
    }
    if let separators = given[2].given {
      let parts = try items(of: separators)
      guard parts.count == 2 else { throw TemplateFailure("separators must be two strings") }
      writer.itemSeparator = try Optional(parts[0]).text("a separator")
      writer.keySeparator = try Optional(parts[1]).text("a separator")
    }
    try writer.append(value)
    return writer.text
  }

  // MARK: - Text

  private func textFilter(
    _ name: String,
    _ value: Value,
    _ arguments: CallArguments
  ) throws(TemplateFailure) -> Value? {
    switch name {
    case "upper", "lower", "capitalize", "title", "string", "safe", "escape", "e", "forceescape",
      "wordcount":
      _ = try arguments.bound(for: name)
      if case .markup = value, name == "escape" || name == "e" || name == "string" { return value }
      return try plainTextFilter(name, try text(of: value))
    case "trim":
      let given = try arguments.bound(to: "chars", for: name)
      return .string(try stripped(try text(of: value), given[0]))
    case "replace":
      let given = try arguments.bound(to: "old", "new", "count", for: name)
      guard let old = given[0], let new = given[1] else {
        throw TemplateFailure("replace needs what to replace and by what")
      }
      return .string(
        try replaced(
          try text(of: value),
          try text(of: old),
          by: try text(of: new),
          count: try given[2].integer("count") ?? -1
        )
      )
    case "indent": return .string(try indented(value, arguments))
    case "center":
      let given = try arguments.bound(to: "width", for: name)
      return .string(
        try padded(
          try text(of: value),
          to: try given[0].integer("width") ?? 80,
          with: " ",
          side: .both
        )
      )
    case "truncate": return .string(try truncated(try text(of: value), arguments))
    case "format":
      let format = try text(of: value)
      let operand: Value =
        arguments.keyword.isEmpty
        ? .tuple(ListStorage(arguments.positional))
        : .dictionary(DictionaryStorage(arguments.keyword.map { ($0.name, $0.value) }))
      return .string(try percentFormat(format, operand, maximumSize: limits.outputBytes))
    default: return nil
    }
  }

  private func plainTextFilter(_ name: String, _ text: String) throws(TemplateFailure) -> Value {
    switch name {
    case "upper": return .string(uppercased(text))
    case "lower": return .string(lowercased(text))
    case "capitalize": return .string(capitalized(text))
    case "title": return .string(titleFilter(text))
    case "escape", "e", "forceescape": return .markup(escapedForHTML(text))
    case "safe": return .markup(text)
    case "wordcount":
      let words = text.unicodeScalars.split {
        !($0.properties.isAlphabetic || $0 == "_" || $0.properties.numericType != nil)
      }
      return .integer(words.count)
    default: return .string(text)
    }
  }

  /// Jinja's `title`: words begin after white space, hyphens and opening brackets only.
  private func titleFilter(_ text: String) -> String {
    var result = ""
    var word = ""
    func flush() {
      guard let first = word.unicodeScalars.first else { return }
      result += first.properties.uppercaseMapping
      result += lowercased(String(String.UnicodeScalarView(word.unicodeScalars.dropFirst())))
      word = ""
    }
    for scalar in text.unicodeScalars {
      if scalar.isPythonSpace || ["-", "(", "{", "[", "<"].contains(scalar) {
        flush()
        result.unicodeScalars.append(scalar)
      } else {
        word.unicodeScalars.append(scalar)
      }
    }
    flush()
    return result
  }

  private func indented(
    _ value: Value,
    _ arguments: CallArguments
  ) throws(TemplateFailure) -> String {
    let given = try arguments.bound(to: "width", "first", "blank", for: "indent")
    let indentation: String
    if case .string(let text)? = given[0]?.plain {
      indentation = text
    } else {
      let width = try given[0].integer("width") ?? 4
      guard width <= 256 else { throw .limit("the width of indent", 256) }
      indentation = String(repeating: " ", count: max(0, width))
    }
    let text = try Optional(value).text("what is indented")
    let (size, overflow) = text.utf8.count.multipliedReportingOverflow(
      by: 1 + indentation.utf8.count
    )
    guard !overflow, size <= limits.outputBytes else {
      throw .limit("the bytes of a string", limits.outputBytes)
    }
    let lines = lines(of: text + "\n", keepsEnds: false)
    let indentsBlank = given[2]?.isTrue == true
    var result = given[1]?.isTrue == true ? indentation : ""
    for (index, line) in lines.enumerated() {
      if index > 0 {
        result += "\n"
        if indentsBlank || !line.isEmpty { result += indentation }
      }
      result += line
    }
    return result
  }

  private func truncated(
    _ text: String,
    _ arguments: CallArguments
  ) throws(TemplateFailure) -> String {
    let given = try arguments.bound(to: "length", "killwords", "end", "leeway", for: "truncate")
    let length = try given[0].integer("length") ?? 255
    let end = try self.text(of: given[2] ?? .string("..."))
    let leeway = try given[3].integer("leeway") ?? 5
    let scalars = Array(text.unicodeScalars)
    let endLength = end.unicodeScalars.count
    guard length >= endLength, leeway >= 0 else {
      throw TemplateFailure("length and leeway of truncate are out of range")
    }
    guard scalars.count > length.addingSaturating(leeway) else { return text }
    var kept = scalars[..<(length - endLength)]
    if given[1]?.isTrue != true, let space = kept.lastIndex(of: " ") { kept = kept[..<space] }
    return String(scalars: kept) + end
  }

  // MARK: - Numbers

  private func numberFilter(
    _ name: String,
    _ value: Value,
    _ arguments: CallArguments
  ) throws(TemplateFailure) -> Value? {
    switch name {
    case "int":
      let given = try arguments.bound(to: "default", "base", for: name)
      return try integer(value, base: try given[1].integer("base") ?? 10)
        ?? given[0] ?? .integer(0)
    case "float":
      let given = try arguments.bound(to: "default", for: name)
      return try float(value).map { .float($0) } ?? given[0] ?? .float(0)
    case "abs":
      _ = try arguments.bound(for: name)
      try value.requireDefined()
      guard let number = value.asFloat else {
        throw TemplateFailure("bad operand type for abs(): '\(value.typeName)'")
      }
      if case .float = value { return .float(number.magnitude) }
      return number < 0 ? try value.signed(negative: true) : try value.signed(negative: false)
    case "round":
      let given = try arguments.bound(to: "precision", "method", for: name)
      return try rounded(
        value,
        precision: try given[0].integer("precision") ?? 0,
        method: try given[1]?.rendered(maximumSize: limits.outputBytes) ?? "common"
      )
    default: return nil
    }
  }

  private func integer(_ value: Value, base: Int) throws(TemplateFailure) -> Value? {
    try value.requireDefined()
    if let integer = value.asInteger { return .integer(integer) }
    if case .string(let text) = value, base != 10 {
      guard (2...36).contains(base) else { return nil }
      var digits = lowercased(text.trimmed())
      for (prefix, radix) in [("0x", 16), ("0o", 8), ("0b", 2)]
      where radix == base && digits.hasPrefix(prefix) {
        digits.removeFirst(2)
      }
      return Int(digits, radix: base).map { .integer($0) }
    }
    if case .string(let text) = value, let integer = Int(digits(text)) { return .integer(integer) }
    guard let number = try float(value), number.isFinite else { return nil }
    guard let integer = Int(exactly: number.rounded(.towardZero)) else { throw .integerOverflow }
    return .integer(integer)
  }

  private func float(_ value: Value) throws(TemplateFailure) -> Double? {
    try value.requireDefined()
    if let number = value.asFloat { return number }
    guard case .string(let text) = value else { return nil }
    let digits = lowercased(digits(text))
    let isPlain = digits.utf8.allSatisfy {
      ascii("0")...ascii("9") ~= $0
        || [ascii("."), ascii("e"), ascii("+"), ascii("-")].contains($0)
    }
    let isWord = ["inf", "infinity", "nan"].contains(String(digits.drop { $0 == "-" || $0 == "+" }))
    return isPlain || isWord ? Double(digits) ?? Double(digits + "0") : nil
  }

  /// A number's text without white space around it and underscores between digits.
  private func digits(_ text: String) -> String {
    let bytes = Array(text.trimmed().utf8)
    func isDigit(_ index: Int) -> Bool {
      bytes.indices.contains(index) && ascii("0")...ascii("9") ~= bytes[index]
    }
    let kept = bytes.indices.filter {
      bytes[$0] != ascii("_") || !isDigit($0 - 1) || !isDigit($0 + 1)
    }
    return String(decoding: kept.map { bytes[$0] }, as: UTF8.self)
  }

  private func rounded(
    _ value: Value,
    precision: Int,
    method: String
  ) throws(TemplateFailure) -> Value {
    try value.requireDefined()
    guard let number = value.asFloat else {
      throw TemplateFailure("type \(value.typeName) cannot be rounded")
    }
    guard ["common", "ceil", "floor"].contains(method) else {
      throw TemplateFailure("method must be common, ceil or floor")
    }
    guard (-300...300).contains(precision), number.isFinite else {
      throw TemplateFailure("round() needs a finite number and a precision in -300...300")
    }
    if method == "common" {
      if value.asInteger != nil, precision >= 0 { return value }
      guard precision >= 0 else {
        guard let scale = power(10, Double(-precision)) else { return .float(0) }
        return .float((number / scale).rounded(.toNearestOrEven) * scale)
      }
      return .float(Double(fixedPoint(number, digits: precision)) ?? number)
    }
    guard let scale = power(10, Double(precision)) else { throw .integerOverflow }
    let scaled = number * scale
    let result = method == "ceil" ? scaled.rounded(.up) : scaled.rounded(.down)
    return .float(result / scale)
  }
}
