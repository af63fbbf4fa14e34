/// The evaluated arguments of a call, filter or test.
struct CallArguments {
  var positional: [Value] = []
  var keyword: [(name: String, value: Value)] = []

  /// The arguments in the order of `names`, with `nil` for those that were not given.
  ///
  /// - Throws: When there are too many, an unknown name, or one is given twice.
  func bound(to names: String..., for function: String) throws(TemplateFailure) -> [Value?] {
    guard positional.count <= names.count else {
      throw TemplateFailure(
        "\(function)() takes at most \(names.count) arguments (\(positional.count) given)"
      )
    }
    var values = positional.map { Optional($0) }
    values += Array(repeating: nil, count: names.count - positional.count)
    for (name, value) in keyword {
      guard let index = names.firstIndex(of: name) else {
        throw TemplateFailure("\(function)() got an unexpected keyword argument '\(name)'")
      }
      guard values[index] == nil else {
        throw TemplateFailure("\(function)() got multiple values for argument '\(name)'")
      }
      values[index] = value
    }
    return values
  }

  /// The arguments after the first `count`.
  func dropping(_ count: Int) -> CallArguments {
    CallArguments(positional: Array(positional.dropFirst(count)), keyword: keyword)
  }
}

extension Optional where Wrapped == Value {
  /// The text of a string argument.
  func text(_ what: String) throws(TemplateFailure) -> String {
    guard case .string(let text)? = self?.plain else {
      try self?.requireDefined()
      throw TemplateFailure("\(what) must be a string, got \(self?.typeName ?? "nothing")")
    }
    return text
  }

  /// An integer argument, or `nil` where it was not given or is none.
  func integer(_ what: String) throws(TemplateFailure) -> Int? {
    guard let value = self else { return nil }
    if case .none = value { return nil }
    try value.requireDefined()
    guard let integer = value.asInteger else {
      throw TemplateFailure("\(what) must be an integer, got \(value.typeName)")
    }
    return integer
  }

  /// Whether the argument was given and is not none.
  var given: Value? {
    if case .some(.none) = self { return nil }
    return self
  }
}
