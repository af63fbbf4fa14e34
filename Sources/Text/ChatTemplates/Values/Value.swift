/// A value while a template runs: Python's types as far as chat templates meet them.
///
/// Lists and dictionaries are immutable, as in the sandbox that Hugging Face renders with; only a
/// ``Namespace`` and a ``ValueIterator`` change.
enum Value {
  /// A name, attribute or item that does not exist; the text says so, for errors.
  case undefined(String)
  case none
  case boolean(Bool)
  case integer(Int)
  case float(Double)
  case string(String)
  /// What the filters `safe` and `escape` return: a string that escapes HTML in what is added to it.
  case markup(String)
  case list(ListStorage)
  case tuple(ListStorage)
  case dictionary(DictionaryStorage)
  /// What a dictionary's `keys`, `values` or `items` returns: it has items but no indices.
  case view(String, ListStorage)
  case iterator(ValueIterator)
  case namespace(Namespace)
  case loop(LoopState)
  case callable(Callable)

  /// Python's name of the type, for error messages.
  var typeName: String {
    switch self {
    case .undefined: "Undefined"
    case .none: "NoneType"
    case .boolean: "bool"
    case .integer: "int"
    case .float: "float"
    case .string: "str"
    case .markup: "Markup"
    case .list: "list"
    case .tuple: "tuple"
    case .dictionary: "dict"
    case .view(let name, _): "dict_\(name)"
    case .iterator: "generator"
    case .namespace: "Namespace"
    case .loop: "LoopContext"
    case .callable: "function"
    }
  }

  /// What Python's `bool()` says.
  var isTrue: Bool {
    switch self {
    case .undefined, .none: false
    case .boolean(let value): value
    case .integer(let value): value != 0
    case .float(let value): value != 0
    case .string(let text), .markup(let text): !text.utf8.isEmpty
    case .list(let storage), .tuple(let storage), .view(_, let storage): !storage.items.isEmpty
    case .dictionary(let storage): !storage.keys.isEmpty
    case .iterator, .namespace, .loop, .callable: true
    }
  }

  /// The plain string of markup; anything else as it is.
  var plain: Value {
    if case .markup(let text) = self { .string(text) } else { self }
  }

  /// How deep lists and dictionaries nest in this value; 0 for anything else.
  var depth: Int {
    switch self {
    case .list(let storage), .tuple(let storage), .view(_, let storage): storage.depth
    case .dictionary(let storage): storage.depth
    case .iterator(let iterator): iterator.depth
    default: 0
    }
  }

  /// What looking at all of this costs, in steps.
  var weight: Int {
    switch self {
    case .string(let text), .markup(let text): text.utf8.count / 16
    case .list(let storage), .tuple(let storage), .view(_, let storage): storage.weight
    case .dictionary(let storage): storage.weight
    default: 0
    }
  }

  /// The integer that this is in arithmetic: an integer or a boolean.
  var asInteger: Int? {
    switch self {
    case .integer(let value): value
    case .boolean(let value): value ? 1 : 0
    default: nil
    }
  }

  /// The number that this is in arithmetic: an integer, boolean or float.
  var asFloat: Double? {
    if case .float(let value) = self { return value }
    return asInteger.map(Double.init)
  }

  /// Throws when this is undefined, as every use but printing, testing and iterating it does.
  func requireDefined() throws(TemplateFailure) {
    if case .undefined(let what) = self { throw TemplateFailure(what) }
  }
}

/// The items of a list or tuple.
final class ListStorage {
  let items: [Value]
  /// How deep collections nest in it, itself included: at least 1.
  let depth: Int
  /// What looking at all of it costs: the number of values in it, at all depths.
  let weight: Int

  /// Creates a storage.
  init(_ items: [Value]) {
    self.items = items
    var deepest = 0
    var total = items.count
    for item in items {
      deepest = max(deepest, item.depth)
      total = total.addingSaturating(item.weight)
    }
    depth = deepest + 1
    weight = total
  }
}

/// What a lazy filter returns: items that can be taken once, front to back.
final class ValueIterator {
  private var items: [Value]
  private var next = 0
  let depth: Int

  /// Creates an iterator over `items`.
  init(_ items: [Value]) {
    self.items = items
    depth = ListStorage(items).depth
  }

  /// Takes the next item.
  func takeFirst() -> Value? {
    guard next < items.count else { return nil }
    defer { next += 1 }
    return items[next]
  }

  /// Takes all items that are left.
  func takeAll() -> [Value] {
    defer { next = items.count }
    return next == 0 ? items : Array(items[min(next, items.count)...])
  }
}

/// An object whose attributes `set` can assign: the one way to carry a value out of a loop.
final class Namespace {
  var attributes: DictionaryStorage

  /// Creates a namespace.
  init(_ attributes: DictionaryStorage) { self.attributes = attributes }
}

/// The state behind `loop` in a `for` body.
final class LoopState {
  let items: [Value]
  var index = 0
  /// The value last given to `loop.changed`.
  var lastChanged: [Value]?

  /// Creates the state before the first item.
  init(_ items: [Value]) { self.items = items }

  /// The attribute `name` of `loop`, if it has one.
  func attribute(_ name: String) -> Value? {
    switch name {
    case "index": .integer(index + 1)
    case "index0": .integer(index)
    case "revindex": .integer(items.count - index)
    case "revindex0": .integer(items.count - index - 1)
    case "first": .boolean(index == 0)
    case "last": .boolean(index == items.count - 1)
    case "length": .integer(items.count)
    // Only recursive loops, which are not supported, have other depths.
    case "depth": .integer(1)
    case "depth0": .integer(0)
    case "previtem": index > 0 ? items[index - 1] : .undefined("there is no previous item")
    case "nextitem":
      index + 1 < items.count ? items[index + 1] : .undefined("there is no next item")
    case "cycle", "changed": .callable(.loopMethod(self, name))
    default: nil
    }
  }
}

/// Something that a template can call.
enum Callable {
  case macro(Macro)
  /// The body of a `call` block.
  case caller(Macro)
  case function(GlobalFunction)
  case method(BoundMethod)
  case loopMethod(LoopState, String)
  case cycler(Cycler)
  case cyclerMethod(Cycler, String)
  case joiner(Joiner)
}

/// A method, taken from a value and not yet called.
final class BoundMethod {
  let receiver: Value
  let name: String
  init(_ name: String, of receiver: Value) {
    self.name = name
    self.receiver = receiver
  }
}

/// What `cycler()` returns.
final class Cycler {
  let items: [Value]
  var index = 0
  init(_ items: [Value]) { self.items = items }
}

/// What `joiner()` returns: empty the first time, the separator from then on.
final class Joiner {
  let separator: Value
  var isUsed = false
  init(_ separator: Value) { self.separator = separator }
}

/// A macro and the scope it was defined in.
final class Macro {
  let definition: MacroDefinition
  let scope: Scope
  init(_ definition: MacroDefinition, scope: Scope) {
    self.definition = definition
    self.scope = scope
  }
}

extension Int {
  /// The sum, or the largest integer where it is larger.
  func addingSaturating(_ other: Int) -> Int {
    let (sum, overflow) = addingReportingOverflow(other)
    return overflow ? .max : sum
  }
}
