extension Interpreter {
  /// How a body ended.
  enum Flow {
    case normal, breakLoop, continueLoop
  }

  /// Runs statements in the current scope.
  func execute(_ statements: [Statement]) throws(TemplateFailure) -> Flow {
    try nested { () throws(TemplateFailure) in
      for statement in statements {
        try charge(1)
        enter(line: statement.line)
        let flow = try execute(statement)
        guard case .normal = flow else { return flow }
      }
      return .normal
    }
  }

  private func execute(_ statement: Statement) throws(TemplateFailure) -> Flow {
    switch statement.kind {
    case .text(let text): try write(text)
    case .output(let expression): try write(try text(of: try evaluate(expression)))
    case .conditional(let branches, let otherwise):
      return try executeConditional(branches, otherwise)
    case .loop(let loop): return try executeLoop(loop)
    case .assign(let target, let expression): try assign(try evaluate(expression), to: target)
    case .assignBlock(let target, let filters, let body):
      try assign(try filtered(body, filters), to: target)
    case .macro(let definition):
      scope.variables[definition.variable] = .callable(.macro(makeMacro(definition)))
    case .call(let call, let caller): try executeCall(call, caller)
    case .filterBlock(let filters, let body): try write(try text(of: try filtered(body, filters)))
    case .with(let assignments, let body): try executeWith(assignments, body)
    case .generation(let body):
      _ = try inScope(Scope(parent: scope)) { () throws(TemplateFailure) in try execute(body) }
    case .breakLoop: return .breakLoop
    case .continueLoop: return .continueLoop
    }
    return .normal
  }

  private func executeConditional(
    _ branches: [(test: Expression, body: [Statement])],
    _ otherwise: [Statement]
  ) throws(TemplateFailure) -> Flow {
    for branch in branches where try evaluate(branch.test).isTrue {
      return try execute(branch.body)
    }
    return otherwise.isEmpty ? .normal : try execute(otherwise)
  }

  private func executeLoop(_ loop: ForLoop) throws(TemplateFailure) -> Flow {
    let all = try items(of: try evaluate(loop.items))
    let chosen = try selected(all, by: loop)
    let state = LoopState(chosen)
    let loopVariable = program.loopVariable
    var completesNone = true
    iterations: for (index, item) in chosen.enumerated() {
      try charge(1)
      state.index = index
      let inner = Scope(parent: scope)
      if let loopVariable { inner.variables[loopVariable] = .loop(state) }
      let flow = try inScope(inner) { () throws(TemplateFailure) in
        try assign(item, to: loop.target)
        return try execute(loop.body)
      }
      switch flow {
      case .normal: completesNone = false
      case .continueLoop: continue iterations
      case .breakLoop: break iterations
      }
    }
    // Jinja runs the else branch whenever no iteration reached its end.
    guard completesNone, !loop.otherwise.isEmpty else { return .normal }
    return try inScope(Scope(parent: scope)) { () throws(TemplateFailure) in
      try execute(loop.otherwise)
    }
  }

  /// The items for which a loop's condition holds.
  private func selected(
    _ items: [Value],
    by loop: ForLoop
  ) throws(TemplateFailure) -> [Value] {
    guard let condition = loop.condition else { return items }
    var selected: [Value] = []
    for item in items {
      try charge(1)
      let holds = try inScope(Scope(parent: scope)) { () throws(TemplateFailure) in
        try assign(item, to: loop.target)
        return try evaluate(condition).isTrue
      }
      if holds { selected.append(item) }
    }
    return selected
  }

  /// Puts a value into a variable, several, or a namespace's attribute.
  func assign(_ value: Value, to target: AssignmentTarget) throws(TemplateFailure) {
    switch target {
    case .name(let variable): scope.variables[variable] = value
    case .attribute(let variable, let name):
      guard case .namespace(let namespace)? = scope.value(of: variable) else {
        throw TemplateFailure("cannot assign attribute on non-namespace object")
      }
      try charge(namespace.attributes.keys.count)
      namespace.attributes = namespace.attributes.setting(name, to: value)
    case .tuple(let targets):
      let parts = try items(of: value)
      guard parts.count == targets.count else {
        throw TemplateFailure("cannot unpack \(parts.count) values into \(targets.count)")
      }
      for (part, target) in zip(parts, targets) { try assign(part, to: target) }
    }
  }

  /// A body's text after filters.
  private func filtered(_ body: [Statement], _ filters: [Postfix]) throws(TemplateFailure) -> Value
  {
    let text = try capture { () throws(TemplateFailure) in
      _ = try inScope(Scope(parent: scope)) { () throws(TemplateFailure) in try execute(body) }
    }
    return try apply(filters, to: .string(text))
  }

  private func executeCall(
    _ call: Expression,
    _ caller: MacroDefinition
  ) throws(TemplateFailure) {
    guard case .postfix(let base, let postfixes) = call, case .call(let arguments) = postfixes.last
    else { return }
    let callee = try apply(Array(postfixes.dropLast()), to: try evaluate(base))
    var values = try evaluate(arguments)
    values.keyword.append(("caller", .callable(.caller(makeMacro(caller)))))
    try write(try text(of: try self.call(callee, values)))
  }

  private func executeWith(
    _ assignments: [(target: AssignmentTarget, value: Expression)],
    _ body: [Statement]
  ) throws(TemplateFailure) {
    let inner = Scope(parent: scope)
    for (target, expression) in assignments {
      let value = try evaluate(expression)
      try inScope(inner) { () throws(TemplateFailure) in try assign(value, to: target) }
    }
    _ = try inScope(inner) { () throws(TemplateFailure) in try execute(body) }
  }
}
