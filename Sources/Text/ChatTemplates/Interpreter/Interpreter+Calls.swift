/// The functions that every template can call.
enum GlobalFunction: String, Sendable {
  case range, dict, namespace, cycler, joiner
  case raiseException = "raise_exception"
  case strftimeNow = "strftime_now"
}

extension Interpreter {
  /// Calls a value.
  func call(_ callee: Value, _ arguments: CallArguments) throws(TemplateFailure) -> Value {
    try callee.requireDefined()
    guard case .callable(let callable) = callee else {
      throw TemplateFailure("'\(callee.typeName)' object is not callable")
    }
    return try nested { () throws(TemplateFailure) in
      switch callable {
      case .macro(let macro), .caller(let macro): return .string(try call(macro, arguments))
      case .function(let function): return try call(function, arguments)
      case .method(let method):
        return try callMethod(method.name, of: method.receiver, arguments)
      case .loopMethod(let loop, let name): return try call(name, of: loop, arguments)
      case .cycler(let cycler): return .callable(.cycler(cycler))
      case .cyclerMethod(let cycler, let name):
        let current = cycler.items[cycler.index]
        cycler.index = name == "next" ? (cycler.index + 1) % cycler.items.count : 0
        return name == "next" ? current : .none
      case .joiner(let joiner):
        defer { joiner.isUsed = true }
        return joiner.isUsed ? joiner.separator : .string("")
      }
    }
  }

  private func call(
    _ name: String,
    of loop: LoopState,
    _ arguments: CallArguments
  ) throws(TemplateFailure) -> Value {
    guard arguments.keyword.isEmpty else { throw TemplateFailure("loop.\(name) takes no keywords") }
    let values = arguments.positional
    if name == "cycle" {
      guard !values.isEmpty else { throw TemplateFailure("no items for cycling given") }
      return values[loop.index % values.count]
    }
    defer { loop.lastChanged = values }
    guard let last = loop.lastChanged else { return .boolean(true) }
    return .boolean(
      last.count != values.count || !zip(last, values).allSatisfy { $0.equals($1) }
    )
  }

  // MARK: - Macros

  private func call(_ macro: Macro, _ arguments: CallArguments) throws(TemplateFailure) -> String {
    let definition = macro.definition
    let inner = Scope(parent: macro.scope)
    let missing = try bind(arguments, to: definition, in: inner)
    return try insideMacro { () throws(TemplateFailure) in
      try inScope(inner) { () throws(TemplateFailure) in
        for (variable, name, defaultValue) in missing {
          inner.variables[variable] =
            if let defaultValue {
              try evaluate(defaultValue)
            } else {
              .undefined("parameter '\(name)' was not provided")
            }
        }
        return try capture { () throws(TemplateFailure) in _ = try execute(definition.body) }
      }
    }
  }

  /// Sets a macro's parameters, and returns those that no argument was given for.
  private func bind(
    _ arguments: CallArguments,
    to definition: MacroDefinition,
    in inner: Scope
  ) throws(TemplateFailure) -> [(variable: Int, name: String, defaultValue: Expression?)] {
    let parameters = definition.parameters
    var keyword = arguments.keyword
    var missing: [(variable: Int, name: String, defaultValue: Expression?)] = []
    for (index, parameter) in parameters.enumerated() {
      if index < arguments.positional.count {
        inner.variables[parameter.variable] = arguments.positional[index]
      } else if let given = keyword.firstIndex(where: { sameText($0.name, parameter.name) }) {
        inner.variables[parameter.variable] = keyword.remove(at: given).value
      } else {
        missing.append(parameter)
      }
    }
    let takesCaller = definition.takesCaller && !parameters.contains { $0.name == "caller" }
    if takesCaller, let variable = program.variable("caller") {
      let given = keyword.firstIndex { $0.name == "caller" }
      inner.variables[variable] =
        given.map { keyword.remove(at: $0).value } ?? .undefined("no caller defined")
    }
    if definition.takesExtraKeyword, let variable = program.variable("kwargs") {
      inner.variables[variable] = .dictionary(
        DictionaryStorage(keyword.map { ($0.name, $0.value) })
      )
    } else if let extra = keyword.first {
      throw TemplateFailure(
        "macro '\(definition.name)' takes no keyword argument '\(extra.name)'"
      )
    }
    let extra = Array(arguments.positional.dropFirst(parameters.count))
    if definition.takesExtraPositional, let variable = program.variable("varargs") {
      inner.variables[variable] = .tuple(ListStorage(extra))
    } else if !extra.isEmpty {
      throw TemplateFailure(
        "macro '\(definition.name)' takes not more than \(parameters.count) argument(s)"
      )
    }
    return missing
  }

  // MARK: - Global functions

  private func call(
    _ function: GlobalFunction,
    _ arguments: CallArguments
  ) throws(TemplateFailure) -> Value {
    switch function {
    case .range: return try range(arguments)
    case .dict: return .dictionary(try dictionary(arguments))
    case .namespace: return .namespace(makeNamespace(try dictionary(arguments)))
    case .cycler:
      guard !arguments.positional.isEmpty else { throw TemplateFailure("no items given") }
      return .callable(.cycler(Cycler(arguments.positional)))
    case .joiner:
      let values = try arguments.bound(to: "sep", for: "joiner")
      return .callable(.joiner(Joiner(values[0] ?? .string(", "))))
    case .raiseException:
      let values = try arguments.bound(to: "message", for: "raise_exception")
      throw TemplateFailure(try text(of: values[0] ?? .string("")))
    case .strftimeNow:
      let values = try arguments.bound(to: "format", for: "strftime_now")
      let format = try values[0].text("the format of strftime_now")
      try charge(text: format)
      return .string(now?.formatted(format) ?? "")
    }
  }

  private func range(_ arguments: CallArguments) throws(TemplateFailure) -> Value {
    var bounds: [Int] = []
    for value in arguments.positional {
      guard let bound = try Optional(value).integer("an argument of range()") else {
        throw TemplateFailure("an argument of range() must be an integer")
      }
      bounds.append(bound)
    }
    guard (1...3).contains(bounds.count), arguments.keyword.isEmpty else {
      throw TemplateFailure("range() takes 1 to 3 arguments")
    }
    let (start, stop) = bounds.count == 1 ? (0, bounds[0]) : (bounds[0], bounds[1])
    let step = bounds.count == 3 ? bounds[2] : 1
    guard step != 0 else { throw TemplateFailure("range() arg 3 must not be zero") }
    var items: [Value] = []
    var number = start
    while step > 0 ? number < stop : number > stop {
      guard items.count < limits.rangeItems else {
        throw .limit("the items of range()", limits.rangeItems)
      }
      items.append(.integer(number))
      let (next, overflow) = number.addingReportingOverflow(step)
      guard !overflow else { break }
      number = next
    }
    return .list(ListStorage(items))
  }

  /// `dict(mapping or pairs, **keywords)`
  private func dictionary(_ arguments: CallArguments) throws(TemplateFailure) -> DictionaryStorage {
    guard arguments.positional.count <= 1 else {
      throw TemplateFailure("dict expected at most 1 argument, got \(arguments.positional.count)")
    }
    var builder = DictionaryBuilder()
    if let value = arguments.positional.first {
      if case .dictionary(let storage) = value {
        builder = DictionaryBuilder(storage)
      } else {
        for pair in try items(of: value) {
          let parts = try items(of: pair)
          guard parts.count == 2 else { throw TemplateFailure("dict() needs pairs") }
          try parts[0].requireHashable()
          try charge(builder.keys.count / 16)
          builder.set(parts[0], parts[1])
        }
      }
    }
    for (name, value) in arguments.keyword { builder.set(.string(name), value) }
    return builder.build()
  }
}

extension Program {
  /// The number of a variable, if the template mentions it.
  func variable(_ name: String) -> Int? { names.firstIndex(of: name) }
}
