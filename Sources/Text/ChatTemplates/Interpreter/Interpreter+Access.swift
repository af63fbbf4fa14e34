extension Interpreter {
  /// `value.name`: a method or attribute, else an item, else undefined.
  func attribute(_ name: String, of value: Value) throws(TemplateFailure) -> Value {
    try value.requireDefined()
    if let attribute = pythonAttribute(name, of: value) { return attribute }
    if case .dictionary(let storage) = value {
      try charge(storage.keys.count / 16)
      if let item = storage[name] { return item }
    }
    return .undefined("'\(value.typeName) object' has no attribute '\(name)'")
  }

  /// `value[key]`: an item, else a method or attribute, else undefined.
  func item(_ key: Value, of value: Value) throws(TemplateFailure) -> Value {
    try value.requireDefined()
    switch value {
    case .dictionary(let storage):
      try charge(storage.keys.count / 16 + key.weight)
      if let item = storage[key] { return item }
    case .list(let storage), .tuple(let storage):
      if let index = position(key, count: storage.items.count) { return storage.items[index] }
    case .string(let text):
      guard key.asInteger != nil else { break }
      let scalars = text.unicodeScalars
      try charge(text.utf8.count / 16)
      if let index = position(key, count: scalars.count) {
        return .string(
          String(Character(scalars[scalars.index(scalars.startIndex, offsetBy: index)]))
        )
      }
    default: break
    }
    if case .string(let name) = key {
      if let attribute = pythonAttribute(name, of: value) { return attribute }
      return .undefined("'\(value.typeName) object' has no attribute '\(name)'")
    }
    return .undefined("'\(value.typeName) object' has no such item")
  }

  /// The position of an index, which counts from the end when negative.
  private func position(_ key: Value, count: Int) -> Int? {
    guard let index = key.asInteger, index >= -count, index < count else { return nil }
    return index < 0 ? index + count : index
  }

  private func pythonAttribute(_ name: String, of value: Value) -> Value? {
    switch value {
    case .string: Self.stringMethods.contains(name) ? method(name, of: value) : nil
    case .list where Self.changingListMethods.contains(name),
      .dictionary where Self.changingDictionaryMethods.contains(name):
      .undefined("access to attribute '\(name)' of '\(value.typeName)' object is unsafe")
    case .list: Self.listMethods.contains(name) ? method(name, of: value) : nil
    case .tuple: name == "index" || name == "count" ? method(name, of: value) : nil
    case .dictionary: Self.dictionaryMethods.contains(name) ? method(name, of: value) : nil
    case .namespace(let namespace): namespace.attributes[name]
    case .loop(let loop): loop.attribute(name)
    case .callable(.macro(let macro)), .callable(.caller(let macro)):
      name == "name" ? .string(macro.definition.name) : nil
    // `dict[…]` is Python's generic alias, which is called like `dict` itself; Jinja gets there by
    // any attribute that `dict` does not have.
    case .callable(.function(.dict)) where name == "fromkeys":
      method(name, of: .dictionary(DictionaryBuilder().build()))
    case .callable(.function(.dict)) where !Self.dictionaryMethods.contains(name): value
    case .callable(.cycler(let cycler)):
      switch name {
      case "current": cycler.items[cycler.index]
      case "next", "reset": .callable(.cyclerMethod(cycler, name))
      default: nil
      }
    default: nil
    }
  }

  private func method(_ name: String, of receiver: Value) -> Value {
    .callable(.method(BoundMethod(name, of: receiver)))
  }

  /// `value[start:stop:step]`
  func slice(
    _ value: Value,
    start: Int?,
    stop: Int?,
    step: Int?
  ) throws(TemplateFailure) -> Value {
    try value.requireDefined()
    switch value {
    case .list(let storage):
      return try checked(.list(ListStorage(try slice(storage.items, start, stop, step))))
    case .tuple(let storage):
      return try checked(.tuple(ListStorage(try slice(storage.items, start, stop, step))))
    case .string(let text):
      try charge(text: text)
      let scalars = try slice(Array(text.unicodeScalars), start, stop, step)
      return .string(String(scalars: scalars))
    case .dictionary: throw TemplateFailure("unhashable type: 'slice'")
    default: return .undefined("'\(value.typeName)' object cannot be sliced")
    }
  }

  private func slice<Element>(
    _ items: [Element],
    _ start: Int?,
    _ stop: Int?,
    _ step: Int?
  ) throws(TemplateFailure) -> [Element] {
    let step = step ?? 1
    guard step != 0 else { throw TemplateFailure("slice step cannot be zero") }
    let count = items.count
    func clamped(_ index: Int, _ lowest: Int, _ highest: Int) -> Int {
      min(max(index < 0 ? index + count : index, lowest), highest)
    }
    if step > 0 {
      let first = start.map { clamped($0, 0, count) } ?? 0
      let last = stop.map { clamped($0, 0, count) } ?? count
      guard first < last else { return [] }
      return step == 1 ? Array(items[first..<last]) : stride(first, last, step).map { items[$0] }
    }
    let first = start.map { clamped($0, -1, count - 1) } ?? count - 1
    let last = stop.map { clamped($0, -1, count - 1) } ?? -1
    return stride(first, last, step).map { items[$0] }
  }

  /// The numbers from `first` by `step` up to before `last`; overflow ends them.
  private func stride(_ first: Int, _ last: Int, _ step: Int) -> [Int] {
    var numbers: [Int] = []
    var number = first
    while step > 0 ? number < last : number > last {
      numbers.append(number)
      let (next, overflow) = number.addingReportingOverflow(step)
      guard !overflow else { break }
      number = next
    }
    return numbers
  }

  /// The items that iterating over a value gives.
  ///
  /// - Throws: For a value that cannot be iterated.
  func items(of value: Value) throws(TemplateFailure) -> [Value] {
    let items: [Value]
    switch value {
    case .undefined: items = []
    case .list(let storage), .tuple(let storage), .view(_, let storage): items = storage.items
    case .dictionary(let storage): items = storage.keys
    case .string(let text):
      try charge(text.utf8.count)
      items = text.unicodeScalars.map { .string(String(Character($0))) }
    case .iterator(let iterator): items = iterator.takeAll()
    default: throw TemplateFailure("'\(value.typeName)' object is not iterable")
    }
    try charge(items.count)
    return items
  }

  /// How many items a value has, as Python's `len()` counts.
  func length(of value: Value) throws(TemplateFailure) -> Int {
    switch value {
    case .undefined: return 0
    case .list(let storage), .tuple(let storage), .view(_, let storage):
      return storage.items.count
    case .dictionary(let storage): return storage.keys.count
    case .loop(let loop): return loop.items.count
    case .string(let text):
      try charge(text.utf8.count / 16)
      return text.unicodeScalars.count
    default: throw TemplateFailure("object of type '\(value.typeName)' has no len()")
    }
  }
}
