extension Value {
  /// Python's `==`.
  func equals(_ other: Value) -> Bool {
    switch (plain, other.plain) {
    case (.undefined, .undefined), (.none, .none): return true
    case (.string(let left), .string(let right)): return sameText(left, right)
    case (.list(let left), .list(let right)), (.tuple(let left), .tuple(let right)):
      return left === right
        || left.items.count == right.items.count
          && zip(left.items, right.items).allSatisfy { $0.equals($1) }
    case (.dictionary(let left), .dictionary(let right)):
      guard left.keys.count == right.keys.count else { return false }
      for (key, value) in zip(left.keys, left.values) {
        guard let counterpart = right[key], counterpart.equals(value) else { return false }
      }
      return true
    default:
      if let left = asInteger, let right = other.asInteger { return left == right }
      if let left = asFloat, let right = other.asFloat { return left == right }
      return isSame(as: other)
    }
  }

  /// Python's `is`.
  func isSame(as other: Value) -> Bool {
    switch (self, other) {
    case (.none, .none): true
    case (.boolean(let left), .boolean(let right)): left == right
    case (.integer(let left), .integer(let right)): left == right
    case (.float(let left), .float(let right)): left == right
    case (.string(let left), .string(let right)): sameText(left, right)
    case (.list(let left), .list(let right)), (.tuple(let left), .tuple(let right)):
      left === right
    case (.dictionary(let left), .dictionary(let right)): left === right
    case (.iterator(let left), .iterator(let right)): left === right
    case (.namespace(let left), .namespace(let right)): left === right
    case (.loop(let left), .loop(let right)): left === right
    case (.callable(.macro(let left)), .callable(.macro(let right))): left === right
    default: false
    }
  }

  /// Python's `<`.
  ///
  /// - Throws: When the two types have no order.
  func isLess(than other: Value) throws(TemplateFailure) -> Bool {
    try requireDefined()
    try other.requireDefined()
    switch (plain, other.plain) {
    case (.string(let left), .string(let right)):
      return left.unicodeScalars.lexicographicallyPrecedes(right.unicodeScalars)
    case (.list(let left), .list(let right)), (.tuple(let left), .tuple(let right)):
      for (mine, theirs) in zip(left.items, right.items) where !mine.equals(theirs) {
        return try mine.isLess(than: theirs)
      }
      return left.items.count < right.items.count
    default:
      if let left = asInteger, let right = other.asInteger { return left < right }
      if let left = asFloat, let right = other.asFloat { return left < right }
      throw TemplateFailure(
        "'<' not supported between instances of '\(typeName)' and '\(other.typeName)'"
      )
    }
  }

  /// Python's `needle in self`.
  ///
  /// - Throws: When this is not a container.
  func contains(_ needle: Value) throws(TemplateFailure) -> Bool {
    switch plain {
    case .undefined: return false
    case .string(let text):
      guard case .string(let part) = needle.plain else {
        try needle.requireDefined()
        throw TemplateFailure(
          "'in <string>' requires string as left operand, not \(needle.typeName)"
        )
      }
      return text.containsText(part)
    case .list(let storage), .tuple(let storage), .view(_, let storage):
      return storage.items.contains { $0.equals(needle) }
    case .dictionary(let storage):
      try needle.requireHashable()
      return storage[needle] != nil
    case .iterator(let iterator):
      while let item = iterator.takeFirst() {
        if item.equals(needle) { return true }
      }
      return false
    default: throw TemplateFailure("argument of type '\(typeName)' is not iterable")
    }
  }

  /// Throws unless Python could use this as a dictionary key.
  func requireHashable() throws(TemplateFailure) {
    switch self {
    case .list, .dictionary: throw TemplateFailure("unhashable type: '\(typeName)'")
    case .tuple(let storage): for item in storage.items { try item.requireHashable() }
    default: break
    }
  }
}
