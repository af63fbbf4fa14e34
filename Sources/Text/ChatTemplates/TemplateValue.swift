/// A value that a caller gives to a template: JSON's types, and undefined.
package indirect enum TemplateValue: Sendable, Hashable {
  /// As if the variable were not given.
  case undefined
  case none
  case boolean(Bool)
  case integer(Int)
  case float(Double)
  case string(String)
  case array([TemplateValue])
  case object(TemplateObject)
}

/// The pairs of an object, in the order in which they will be printed. Where a key comes twice,
/// the last value counts, in the place of the first.
package struct TemplateObject: Sendable, Hashable, ExpressibleByDictionaryLiteral {
  /// A key and its value.
  package struct Pair: Sendable, Hashable {
    package var key: String
    package var value: TemplateValue

    /// Creates a pair.
    package init(key: String, value: TemplateValue) {
      self.key = key
      self.value = value
    }
  }

  package var pairs: [Pair]

  /// Creates an object.
  package init(_ pairs: [Pair] = []) { self.pairs = pairs }

  package init(dictionaryLiteral elements: (String, TemplateValue)...) {
    pairs = elements.map { Pair(key: $0.0, value: $0.1) }
  }
}

extension TemplateValue: ExpressibleByStringLiteral, ExpressibleByBooleanLiteral,
  ExpressibleByIntegerLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral,
  ExpressibleByNilLiteral
{
  package init(stringLiteral value: String) { self = .string(value) }
  package init(booleanLiteral value: Bool) { self = .boolean(value) }
  package init(integerLiteral value: Int) { self = .integer(value) }
  package init(arrayLiteral elements: TemplateValue...) { self = .array(elements) }
  package init(nilLiteral: ()) { self = .none }
  package init(dictionaryLiteral elements: (String, TemplateValue)...) {
    self = .object(TemplateObject(elements.map { .init(key: $0.0, value: $0.1) }))
  }
}
