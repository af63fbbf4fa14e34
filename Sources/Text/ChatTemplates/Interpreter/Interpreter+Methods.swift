extension Interpreter {
  /// The methods of Python's `list` that templates can call.
  static let listMethods: Set<String> = ["copy", "count", "index"]
  /// The methods of Python's `list` that the sandbox forbids.
  static let changingListMethods: Set<String> = [
    "append", "clear", "extend", "insert", "pop", "remove", "reverse", "sort",
  ]
  /// The methods of Python's `dict` that templates can call.
  static let dictionaryMethods: Set<String> = [
    "copy", "fromkeys", "get", "items", "keys", "values",
  ]
  /// The methods of Python's `dict` that the sandbox forbids.
  static let changingDictionaryMethods: Set<String> = [
    "clear", "pop", "popitem", "setdefault", "update",
  ]

  /// Calls a method of a string, list, tuple or dictionary.
  func callMethod(
    _ name: String,
    of receiver: Value,
    _ arguments: CallArguments
  ) throws(TemplateFailure) -> Value {
    switch receiver {
    case .string(let text): return try callStringMethod(name, of: text, arguments)
    case .list(let storage), .tuple(let storage):
      return try callListMethod(name, of: storage, arguments)
    case .dictionary(let storage): return try callDictionaryMethod(name, of: storage, arguments)
    default: throw TemplateFailure("'\(receiver.typeName)' has no method '\(name)'")
    }
  }

  private func callListMethod(
    _ name: String,
    of storage: ListStorage,
    _ arguments: CallArguments
  ) throws(TemplateFailure) -> Value {
    switch name {
    case "copy": return .list(storage)
    case "count", "index":
      guard arguments.keyword.isEmpty, let needle = arguments.positional.first else {
        throw TemplateFailure("\(name)() takes a value")
      }
      try charge(storage.weight)
      let matches = storage.items.indices.filter { storage.items[$0].equals(needle) }
      if name == "count" { return .integer(matches.count) }
      let bounds = try arguments.dropping(1).bound(to: "start", "stop", for: name)
      let range = try range(bounds, count: storage.items.count)
      guard let index = matches.first(where: range.contains) else {
        throw TemplateFailure("the value is not in the list")
      }
      return .integer(index)
    default: throw TemplateFailure("'list' has no method '\(name)'")
    }
  }

  /// The range that Python's optional `start` and `stop` arguments stand for.
  func range(_ bounds: [Value?], count: Int) throws(TemplateFailure) -> Range<Int> {
    func clamped(_ index: Int) -> Int { min(max(index < 0 ? index + count : index, 0), count) }
    let start = try bounds[0].integer("start").map(clamped) ?? 0
    let stop = try bounds[1].integer("stop").map(clamped) ?? count
    return start..<max(start, stop)
  }

  private func callDictionaryMethod(
    _ name: String,
    of storage: DictionaryStorage,
    _ arguments: CallArguments
  ) throws(TemplateFailure) -> Value {
    try charge(storage.keys.count / 16)
    switch name {
    case "items":
      _ = try arguments.bound(for: name)
      try charge(storage.keys.count)
      return .view(name, ListStorage(storage.items))
    case "keys":
      _ = try arguments.bound(for: name)
      return .view(name, ListStorage(storage.keys))
    case "values":
      _ = try arguments.bound(for: name)
      return .view(name, ListStorage(storage.values))
    case "copy": return .dictionary(storage)
    case "get":
      guard arguments.keyword.isEmpty, (1...2).contains(arguments.positional.count) else {
        throw TemplateFailure("get() takes 1 or 2 positional arguments")
      }
      let key = arguments.positional[0]
      try key.requireHashable()
      return storage[key] ?? (arguments.positional.count > 1 ? arguments.positional[1] : .none)
    case "fromkeys":
      let given = try arguments.bound(to: "iterable", "value", for: name)
      var builder = DictionaryBuilder()
      for key in try items(of: given[0] ?? .none) {
        try key.requireHashable()
        try charge(builder.keys.count / 16)
        builder.set(key, given[1] ?? .none)
      }
      return .dictionary(builder.build())
    default: throw TemplateFailure("'dict' has no method '\(name)'")
    }
  }
}
