extension Interpreter {
  /// Filters over the items of a value.
  func sequenceFilter(
    _ name: String,
    _ value: Value,
    _ arguments: CallArguments
  ) throws(TemplateFailure) -> Value? {
    switch name {
    case "list":
      _ = try arguments.bound(for: name)
      return .list(ListStorage(try items(of: value)))
    case "items":
      _ = try arguments.bound(for: name)
      if case .undefined = value { return .iterator(ValueIterator([])) }
      guard case .dictionary(let storage) = value else {
        throw TemplateFailure("can only get item pairs from a mapping")
      }
      return .iterator(ValueIterator(storage.items))
    case "first":
      _ = try arguments.bound(for: name)
      if case .iterator(let iterator) = value {
        return iterator.takeFirst() ?? .undefined("no first item, sequence was empty")
      }
      return try items(of: value).first ?? .undefined("no first item, sequence was empty")
    case "last":
      _ = try arguments.bound(for: name)
      if case .iterator = value { throw TemplateFailure("'generator' object is not reversible") }
      return try items(of: value).last ?? .undefined("no last item, sequence was empty")
    case "join": return .string(try joined(value, arguments))
    case "reverse":
      _ = try arguments.bound(for: name)
      if case .string(let text) = value.plain {
        return .string(String(scalars: text.unicodeScalars.reversed()))
      }
      return .iterator(ValueIterator(try items(of: value).reversed()))
    case "sum":
      let given = try arguments.bound(to: "attribute", "start", for: name)
      var total = given[1] ?? .integer(0)
      for item in try items(of: value) {
        let addend = try lookup(given[0].given, in: item)
        total = try checked(
          try Value.arithmetic(total, .add, addend, maximumSize: limits.outputBytes)
        )
      }
      return total
    case "batch", "slice": return try parts(name, of: value, arguments)
    default: return nil
    }
  }

  private func joined(_ value: Value, _ arguments: CallArguments) throws(TemplateFailure) -> String
  {
    let given = try arguments.bound(to: "d", "attribute", for: "join")
    let separator = try text(of: given[0] ?? .string(""))
    return try joined(try items(of: value), separator) { (item) throws(TemplateFailure) in
      try self.text(of: try self.lookup(given[1].given, in: item))
    }
  }

  /// The texts of `items` with a separator between them.
  func joined(
    _ items: [Value],
    _ separator: String,
    _ text: (Value) throws(TemplateFailure) -> String
  ) throws(TemplateFailure) -> String {
    var result = ""
    for (index, item) in items.enumerated() {
      if index > 0 { result += separator }
      result += try text(item)
      guard result.utf8.count <= limits.outputBytes else {
        throw .limit("the bytes of a string", limits.outputBytes)
      }
    }
    return result
  }

  /// What a filter's `attribute` argument names in an item: `a.b.0`, or an index. The item itself
  /// where there is no argument.
  func lookup(_ attribute: Value?, in value: Value) throws(TemplateFailure) -> Value {
    switch attribute {
    case nil: return value
    case .string(let path)?:
      var result = value
      for part in path.unicodeScalars.split(separator: ".", omittingEmptySubsequences: false) {
        let name = String(part)
        result = try item(Int(name).map { .integer($0) } ?? .string(name), of: result)
      }
      return result
    case let index?: return try item(index, of: value)
    }
  }

  private func parts(
    _ name: String,
    of value: Value,
    _ arguments: CallArguments
  ) throws(TemplateFailure) -> Value {
    let given = try arguments.bound(
      to: name == "batch" ? "linecount" : "slices",
      "fill_with",
      for: name
    )
    guard let count = try given[0].integer("the count"), count > 0, count <= limits.rangeItems
    else { throw TemplateFailure("the count of \(name) must be in 1...\(limits.rangeItems)") }
    try charge(count)
    let items = try items(of: value)
    let fill = given[1].given
    var parts: [[Value]] = []
    if name == "batch" {
      for start in stride(from: 0, to: items.count, by: count) {
        var part = Array(items[start..<min(start + count, items.count)])
        if let fill { part += Array(repeating: fill, count: count - part.count) }
        parts.append(part)
      }
    } else {
      let (size, longer) = items.count.quotientAndRemainder(dividingBy: count)
      var start = 0
      for index in 0..<count {
        let end = start + size + (index < longer ? 1 : 0)
        var part = Array(items[start..<end])
        if let fill, index >= longer { part.append(fill) }
        parts.append(part)
        start = end
      }
    }
    return .iterator(ValueIterator(parts.map { .list(ListStorage($0)) }))
  }

  // MARK: - Selecting and mapping

  /// Filters that keep or change single items; lazy in Jinja, so that what they return is always
  /// true, has no length and can be iterated once.
  func selectionFilter(
    _ name: String,
    _ value: Value,
    _ arguments: CallArguments
  ) throws(TemplateFailure) -> Value? {
    let names: Set<String> = ["map", "select", "reject", "selectattr", "rejectattr"]
    guard names.contains(name) else { return nil }
    // Jinja looks at whether there is anything before it looks at what it is.
    guard value.isTrue else { return .iterator(ValueIterator([])) }
    switch name {
    case "map": return .iterator(ValueIterator(try mapped(value, arguments)))
    case "select", "reject":
      return .iterator(
        ValueIterator(
          try selected(value, attribute: nil, arguments, keeps: name == "select")
        )
      )
    case "selectattr", "rejectattr":
      guard let attribute = arguments.positional.first else {
        throw TemplateFailure("missing parameter for attribute name")
      }
      return .iterator(
        ValueIterator(
          try selected(
            value,
            attribute: attribute,
            arguments.dropping(1),
            keeps: name == "selectattr"
          )
        )
      )
    default: return nil
    }
  }

  private func selected(
    _ value: Value,
    attribute: Value?,
    _ arguments: CallArguments,
    keeps: Bool
  ) throws(TemplateFailure) -> [Value] {
    var selected: [Value] = []
    let testName = try arguments.positional.first.map { (name) throws(TemplateFailure) in
      try Optional(name).text("the test's name")
    }
    for item in try items(of: value) {
      let subject = try lookup(attribute, in: item)
      let holds =
        if let testName {
          try test(testName, subject, arguments.dropping(1))
        } else {
          subject.isTrue
        }
      if holds == keeps { selected.append(item) }
    }
    return selected
  }

  private func mapped(_ value: Value, _ arguments: CallArguments) throws(TemplateFailure) -> [Value]
  {
    var results: [Value] = []
    if arguments.positional.isEmpty, arguments.keyword.contains(where: { $0.name == "attribute" }) {
      let given = try arguments.bound(to: "attribute", "default", for: "map")
      for item in try items(of: value) {
        var result = try lookup(given[0], in: item)
        if case .undefined = result, let fallback = given[1].given { result = fallback }
        results.append(result)
      }
      return results
    }
    guard let first = arguments.positional.first else {
      throw TemplateFailure("map requires a filter argument")
    }
    let name = try Optional(first).text("the filter's name")
    for item in try items(of: value) {
      results.append(try checked(try filter(name, item, arguments.dropping(1))))
    }
    return results
  }

  // MARK: - Order

  /// Filters that compare items.
  func orderFilter(
    _ name: String,
    _ value: Value,
    _ arguments: CallArguments
  ) throws(TemplateFailure) -> Value? {
    switch name {
    case "sort":
      let given = try arguments.bound(to: "reverse", "case_sensitive", "attribute", for: name)
      let keyed = try keyed(
        try items(of: value),
        attribute: given[2].given,
        isCaseSensitive: given[1]?.isTrue ?? false,
        allowsSeveral: true
      )
      return .list(ListStorage(try sorted(keyed, isReversed: given[0]?.isTrue ?? false)))
    case "dictsort": return try dictionarySorted(value, arguments)
    case "min", "max":
      let given = try arguments.bound(to: "case_sensitive", "attribute", for: name)
      let keyed = try keyed(
        try items(of: value),
        attribute: given[1].given,
        isCaseSensitive: given[0]?.isTrue ?? false
      )
      guard var best = keyed.first else {
        return .undefined("no aggregated item, sequence was empty")
      }
      for candidate in keyed.dropFirst() {
        let isBetter =
          name == "min"
          ? try compare(candidate.key, .less, best.key)
          : try compare(candidate.key, .greater, best.key)
        if isBetter { best = candidate }
      }
      return best.item
    case "unique":
      let given = try arguments.bound(to: "case_sensitive", "attribute", for: name)
      var seen = DictionaryBuilder()
      var results: [Value] = []
      for (key, item) in try keyed(
        try items(of: value),
        attribute: given[1].given,
        isCaseSensitive: given[0]?.isTrue ?? false
      ) {
        try key.requireHashable()
        try charge(seen.keys.count / 16)
        let count = seen.keys.count
        seen.set(key, .none)
        if seen.keys.count > count { results.append(item) }
      }
      return .iterator(ValueIterator(results))
    case "groupby": return try grouped(value, arguments)
    default: return nil
    }
  }

  /// Items with what they are compared by: strings in lower case unless case matters.
  private func keyed(
    _ items: [Value],
    attribute: Value?,
    isCaseSensitive: Bool,
    allowsSeveral: Bool = false
  ) throws(TemplateFailure) -> [(key: Value, item: Value)] {
    func folded(_ value: Value) -> Value {
      if !isCaseSensitive, case .string(let text) = value { return .string(lowercased(text)) }
      return value
    }
    var attributes: [Value?] = [attribute]
    if allowsSeveral, case .string(let text)? = attribute, text.utf8.contains(ascii(",")) {
      attributes = text.split(separator: ",").map { .string(String($0).trimmed()) }
    }
    var results: [(key: Value, item: Value)] = []
    for item in items {
      var keys: [Value] = []
      for attribute in attributes { keys.append(folded(try lookup(attribute, in: item))) }
      results.append((keys.count == 1 ? keys[0] : .list(ListStorage(keys)), item))
    }
    return results
  }

  private func sorted(
    _ keyed: [(key: Value, item: Value)],
    isReversed: Bool
  ) throws(TemplateFailure) -> [Value] {
    try stablySorted(keyed) { (left, right) throws(TemplateFailure) in
      try charge(1)
      return try compare(left.key, isReversed ? .greater : .less, right.key)
    }.map(\.item)
  }

  private func dictionarySorted(
    _ value: Value,
    _ arguments: CallArguments
  ) throws(TemplateFailure) -> Value {
    let given = try arguments.bound(to: "case_sensitive", "by", "reverse", for: "dictsort")
    guard case .dictionary(let storage) = value else {
      try value.requireDefined()
      throw TemplateFailure("dictsort needs a mapping, got \(value.typeName)")
    }
    let by = try text(of: given[1] ?? .string("key"))
    guard by == "key" || by == "value" else {
      throw TemplateFailure("you can only sort by either 'key' or 'value'")
    }
    let keyed = try keyed(
      storage.items,
      attribute: .integer(by == "key" ? 0 : 1),
      isCaseSensitive: given[0]?.isTrue ?? false
    )
    return .list(ListStorage(try sorted(keyed, isReversed: given[2]?.isTrue ?? false)))
  }

  private func grouped(_ value: Value, _ arguments: CallArguments) throws(TemplateFailure) -> Value
  {
    let given = try arguments.bound(to: "attribute", "default", "case_sensitive", for: "groupby")
    guard let attribute = given[0] else { throw TemplateFailure("groupby needs an attribute") }
    let keyed = try keyed(
      try items(of: value),
      attribute: attribute,
      isCaseSensitive: given[2]?.isTrue ?? false
    )
    let sorted = try stablySorted(keyed) { (left, right) throws(TemplateFailure) in
      try compare(left.key, .less, right.key)
    }
    var groups: [(key: Value, items: [Value])] = []
    for (key, item) in sorted {
      if let last = groups.last, last.key.equals(key) {
        groups[groups.count - 1].items.append(item)
      } else {
        groups.append((key, [item]))
      }
    }
    var results: [Value] = []
    for group in groups {
      let name = try lookup(attribute, in: group.items[0])
      results.append(.tuple(ListStorage([name, .list(ListStorage(group.items))])))
    }
    return .list(ListStorage(results))
  }
}
