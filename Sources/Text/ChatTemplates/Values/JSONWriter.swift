/// Python's `json.dumps` as the `tojson` filter calls it.
struct JSONWriter {
  var ensuresASCII = false
  /// What one level of indentation is; `nil` writes everything on one line.
  var indentation: String?
  var itemSeparator = ", "
  var keySeparator = ": "
  var sortsKeys = false
  /// The most UTF-8 bytes to write (overshooting by one value at most).
  let maximumSize: Int
  private(set) var text = ""

  /// Creates a writer.
  init(maximumSize: Int) { self.maximumSize = maximumSize }

  /// Appends one value.
  ///
  /// - Throws: For a value that JSON does not have.
  mutating func append(_ value: Value, depth: Int = 0) throws(TemplateFailure) {
    guard text.utf8.count <= maximumSize else { throw .limit("the bytes of a string", maximumSize) }
    switch value.plain {
    case .none: text += "null"
    case .boolean(let value): text += value ? "true" : "false"
    case .integer(let value): text += String(value)
    case .float(let value): text += Self.number(value)
    case .string(let string): append(quoting: string)
    case .list(let storage), .tuple(let storage):
      try append(storage.items.count, "[", "]", depth) { (writer, index) throws(TemplateFailure) in
        try writer.append(storage.items[index], depth: depth + 1)
      }
    case .dictionary(let storage): try append(storage, depth: depth)
    default: throw TemplateFailure("Object of type \(value.typeName) is not JSON serializable")
    }
  }

  private mutating func append(
    _ storage: DictionaryStorage,
    depth: Int
  ) throws(TemplateFailure) {
    var order = Array(storage.keys.indices)
    if sortsKeys {
      order = try stablySorted(order) { (left, right) throws(TemplateFailure) in
        try storage.keys[left].isLess(than: storage.keys[right])
      }
    }
    try append(order.count, "{", "}", depth) { (writer, index) throws(TemplateFailure) in
      writer.append(quoting: try Self.key(storage.keys[order[index]]))
      writer.text += writer.keySeparator
      try writer.append(storage.values[order[index]], depth: depth + 1)
    }
  }

  private mutating func append(
    _ count: Int,
    _ open: String,
    _ close: String,
    _ depth: Int,
    _ appendItem: (inout JSONWriter, Int) throws(TemplateFailure) -> Void
  ) throws(TemplateFailure) {
    text += open
    for index in 0..<count {
      if index > 0 { text += itemSeparator }
      appendNewline(depth: depth + 1)
      try appendItem(&self, index)
    }
    if count > 0 { appendNewline(depth: depth) }
    text += close
  }

  private mutating func appendNewline(depth: Int) {
    guard let indentation else { return }
    text += "\n" + String(repeating: indentation, count: indentation.isEmpty ? 0 : depth)
  }

  private static func key(_ key: Value) throws(TemplateFailure) -> String {
    switch key {
    case .string(let text): return text
    case .none: return "null"
    case .boolean(let value): return value ? "true" : "false"
    case .integer(let value): return String(value)
    case .float(let value): return number(value)
    default:
      throw TemplateFailure("keys must be str, int, float, bool or None, not \(key.typeName)")
    }
  }

  private static func number(_ value: Double) -> String {
    if value.isNaN { return "NaN" }
    if value.isInfinite { return value < 0 ? "-Infinity" : "Infinity" }
    return pythonRepresentation(of: value)
  }

  private mutating func append(quoting string: String) {
    text += "\""
    for scalar in string.unicodeScalars {
      switch scalar {
      case "\"": text += "\\\""
      case "\\": text += "\\\\"
      case "\n": text += "\\n"
      case "\r": text += "\\r"
      case "\t": text += "\\t"
      case "\u{8}": text += "\\b"
      case "\u{C}": text += "\\f"
      default:
        if scalar.value < 32 || ensuresASCII && scalar.value > 126 {
          for unit in String(Character(scalar)).utf16 {
            let hex = String(unit, radix: 16)
            text += "\\u" + String(repeating: "0", count: 4 - hex.utf8.count) + hex
          }
        } else {
          text.unicodeScalars.append(scalar)
        }
      }
    }
    text += "\""
  }
}

/// The items in order, those of equal rank as they were: a merge sort whose comparison may throw.
func stablySorted<Element>(
  _ items: [Element],
  by precedes: (Element, Element) throws(TemplateFailure) -> Bool
) throws(TemplateFailure) -> [Element] {
  guard items.count > 1 else { return items }
  let middle = items.count / 2
  let left = try stablySorted(Array(items[..<middle]), by: precedes)
  let right = try stablySorted(Array(items[middle...]), by: precedes)
  var merged: [Element] = []
  merged.reserveCapacity(items.count)
  var (i, j) = (0, 0)
  while i < left.count, j < right.count {
    if try precedes(right[j], left[i]) {
      merged.append(right[j])
      j += 1
    } else {
      merged.append(left[i])
      i += 1
    }
  }
  return merged + left[i...] + right[j...]
}
