/// The pairs of a Python dictionary, in order of insertion.
final class DictionaryStorage {
  let keys: [Value]
  let values: [Value]
  /// How deep collections nest in it, itself included: at least 1.
  let depth: Int
  /// What looking at all of it costs: the number of values in it, at all depths.
  let weight: Int
  private let positions: [TextKey: Int]?

  /// From how many keys on a hash index pays.
  private static let indexThreshold = 12

  /// Creates a dictionary of string keys.
  ///
  /// - Precondition: No key is there twice.
  convenience init(_ pairs: [(String, Value)]) {
    self.init(keys: pairs.map { .string($0.0) }, values: pairs.map(\.1))
  }

  fileprivate init(keys: [Value], values: [Value]) {
    self.keys = keys
    self.values = values
    var deepest = 0
    var total = 2 * keys.count
    for value in keys + values {
      deepest = max(deepest, value.depth)
      total = total.addingSaturating(value.weight)
    }
    depth = deepest + 1
    weight = total
    if keys.count >= Self.indexThreshold {
      var positions: [TextKey: Int] = [:]
      positions.reserveCapacity(keys.count)
      for (position, key) in keys.enumerated() {
        if case .string(let text) = key { positions[TextKey(text: text)] = position }
      }
      self.positions = positions
    } else {
      positions = nil
    }
  }

  /// The value at a string key.
  subscript(_ text: String) -> Value? {
    if let positions { return positions[TextKey(text: text)].map { values[$0] } }
    for (position, key) in keys.enumerated() {
      if case .string(let candidate) = key, sameText(candidate, text) { return values[position] }
    }
    return nil
  }

  /// The value at any key, by Python's equality.
  subscript(_ key: Value) -> Value? {
    if case .string(let text) = key.plain { return self[text] }
    for (position, candidate) in keys.enumerated() where candidate.equals(key) {
      return values[position]
    }
    return nil
  }

  /// The same dictionary with one value set.
  func setting(_ key: String, to value: Value) -> DictionaryStorage {
    var builder = DictionaryBuilder(self)
    builder.set(.string(key), value)
    return builder.build()
  }

  /// Pairs as Python tuples.
  var items: [Value] {
    zip(keys, values).map { .tuple(ListStorage([$0, $1])) }
  }
}

/// Collects pairs; a key that comes again keeps its place and takes the new value.
struct DictionaryBuilder {
  private(set) var keys: [Value] = []
  private var values: [Value] = []
  private var texts: [TextKey: Int] = [:]

  /// Starts empty.
  init() {}

  /// Starts from `storage`.
  init(_ storage: DictionaryStorage) {
    for (key, value) in zip(storage.keys, storage.values) { set(key, value) }
  }

  /// Sets one pair. The cost is constant for a string key and linear for any other.
  mutating func set(_ key: Value, _ value: Value) {
    let key = key.plain
    if case .string(let text) = key {
      if let position = texts[TextKey(text: text)] {
        values[position] = value
        return
      }
      texts[TextKey(text: text)] = keys.count
    } else if let position = keys.firstIndex(where: { $0.equals(key) }) {
      values[position] = value
      return
    }
    keys.append(key)
    values.append(value)
  }

  /// The dictionary.
  consuming func build() -> DictionaryStorage { DictionaryStorage(keys: keys, values: values) }
}
