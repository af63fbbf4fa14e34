/// Runs one template once.
///
/// Every loop, call and piece of text is charged against ``TemplateLimits``, so that a run ends and
/// stays within its memory whatever the template and its input are.
final class Interpreter {
  let program: Program
  let limits: TemplateLimits
  /// What `strftime_now` prints.
  let now: TemplateDate?
  /// The text made so far by the body that is running.
  var output = ""
  /// The line of the statement that is running.
  private(set) var line = 1
  var scope = Scope(parent: nil)
  private var macroDepth = 0
  private var evaluationDepth = 0
  private var steps = 0
  /// What can be part of a reference cycle; taken apart at the end.
  private var namespaces: [Namespace] = []
  private var capturedScopes: [Scope] = []

  /// How deep statements and expressions may nest while running, macros included. The stack that
  /// this takes stays below 512 KiB.
  private static let deepestEvaluation = 400

  private init(program: Program, limits: TemplateLimits, now: TemplateDate?) {
    self.program = program
    self.limits = limits
    self.now = now
  }

  /// Renders a template.
  ///
  /// - Parameters:
  ///   - program: The template.
  ///   - context: The variables it may read.
  ///   - now: The time for `strftime_now`, which does not exist without.
  /// - Throws: A failure with the line it happened on.
  static func render(
    _ program: Program,
    context: [String: TemplateValue],
    now: TemplateDate?,
    limits: TemplateLimits
  ) throws(TemplateFailure) -> String {
    let interpreter = Interpreter(program: program, limits: limits, now: now)
    defer { interpreter.breakCycles() }
    do {
      let globals = Scope(parent: nil)
      for (number, name) in program.names.enumerated() {
        if let value = context[name], value != .undefined {
          globals.variables[number] = try interpreter.convert(value, depth: 1)
        } else if let function = GlobalFunction(rawValue: name) {
          if function != .strftimeNow || now != nil {
            globals.variables[number] = .callable(.function(function))
          }
        }
      }
      interpreter.scope = Scope(parent: globals)
      _ = try interpreter.execute(program.statements)
      return interpreter.output
    } catch {
      throw TemplateFailure(error.message, line: error.line ?? interpreter.line)
    }
  }

  /// Turns input into values of the run.
  private func convert(_ value: TemplateValue, depth: Int) throws(TemplateFailure) -> Value {
    try charge(1)
    guard depth <= limits.valueDepth else {
      throw .limit("the nesting of values", limits.valueDepth)
    }
    switch value {
    case .undefined: return .undefined("a value is undefined")
    case .none: return .none
    case .boolean(let value): return .boolean(value)
    case .integer(let value): return .integer(value)
    case .float(let value): return .float(value)
    case .string(let text): return .string(text)
    case .array(let items):
      var values: [Value] = []
      values.reserveCapacity(items.count)
      for item in items { values.append(try convert(item, depth: depth + 1)) }
      return .list(ListStorage(values))
    case .object(let object):
      var builder = DictionaryBuilder()
      for pair in object.pairs {
        builder.set(.string(pair.key), try convert(pair.value, depth: depth + 1))
      }
      return .dictionary(builder.build())
    }
  }

  // MARK: - Limits

  /// Takes units of work from the budget.
  func charge(_ units: Int) throws(TemplateFailure) {
    steps = steps.addingSaturating(units)
    guard steps <= limits.steps else { throw .limit("the template's steps", limits.steps) }
  }

  /// Charges for handling a string, or making one, and checks its size.
  func charge(text: String) throws(TemplateFailure) {
    let size = text.utf8.count
    guard size <= limits.outputBytes else {
      throw .limit("the bytes of a string", limits.outputBytes)
    }
    try charge(1 + size / 16)
  }

  /// Python's `str()` of a value.
  func text(of value: Value) throws(TemplateFailure) -> String {
    if case .string(let text) = value.plain { return text }
    let text = try value.rendered(maximumSize: limits.outputBytes)
    try charge(text: text)
    return text
  }

  /// Charges for a value that was made, and checks how deep it nests.
  func checked(_ value: Value) throws(TemplateFailure) -> Value {
    switch value {
    case .string(let text), .markup(let text): try charge(text: text)
    case .list(let storage), .tuple(let storage), .view(_, let storage):
      try charge(storage.items.count)
    case .dictionary(let storage): try charge(storage.keys.count)
    default: break
    }
    guard value.depth <= limits.valueDepth else {
      throw .limit("the nesting of values", limits.valueDepth)
    }
    return value
  }

  /// Runs something one level deeper.
  @inline(__always)
  func nested<Result>(
    _ run: () throws(TemplateFailure) -> Result
  ) throws(TemplateFailure) -> Result {
    guard evaluationDepth < Self.deepestEvaluation else {
      throw .limit("the nesting of what runs", Self.deepestEvaluation)
    }
    evaluationDepth += 1
    defer { evaluationDepth -= 1 }
    return try run()
  }

  /// Runs a macro's body one call deeper.
  func insideMacro<Result>(
    _ run: () throws(TemplateFailure) -> Result
  ) throws(TemplateFailure) -> Result {
    guard macroDepth < limits.macroDepth else {
      throw .limit("the depth of macro calls", limits.macroDepth)
    }
    macroDepth += 1
    let outerLine = line
    defer { macroDepth -= 1 }
    let result = try run()
    line = outerLine
    return result
  }

  // MARK: - Output and scopes

  /// Appends to the text of the body that is running.
  func write(_ text: String) throws(TemplateFailure) {
    try charge(1 + text.utf8.count / 16)
    guard output.utf8.count + text.utf8.count <= limits.outputBytes else {
      throw .limit("the prompt's bytes", limits.outputBytes)
    }
    output += text
  }

  /// The text that a body writes.
  func capture(_ run: () throws(TemplateFailure) -> Void) throws(TemplateFailure) -> String {
    let outer = output
    output = ""
    defer { output = outer }
    try run()
    return output
  }

  /// Runs something in a scope of its own.
  func inScope<Result>(
    _ inner: Scope,
    _ run: () throws(TemplateFailure) -> Result
  ) throws(TemplateFailure) -> Result {
    let outer = scope
    scope = inner
    defer { scope = outer }
    return try run()
  }

  /// Sets the line for error messages.
  func enter(line: Int) { self.line = line }

  /// Makes a namespace that lives until the end of the run.
  func makeNamespace(_ attributes: DictionaryStorage) -> Namespace {
    let namespace = Namespace(attributes)
    namespaces.append(namespace)
    return namespace
  }

  /// Makes a macro that keeps the current scope until the end of the run.
  func makeMacro(_ definition: MacroDefinition) -> Macro {
    capturedScopes.append(scope)
    return Macro(definition, scope: scope)
  }

  private func breakCycles() {
    let empty = DictionaryBuilder().build()
    for namespace in namespaces { namespace.attributes = empty }
    for scope in capturedScopes { scope.variables = [:] }
  }
}
