import JSONText
import MeshTypes

/// References within a document (RFC 6901, as fragments of URIs).
enum JSONPointer {
  /// A key as it stands in a pointer.
  static func escaped(_ key: String) -> String {
    var text = String.UnicodeScalarView()
    for scalar in key.unicodeScalars.prefix(100) {
      switch scalar {
      case "~": text += "~0".unicodeScalars
      case "/": text += "~1".unicodeScalars
      default: text.append(scalar)
      }
    }
    return String(text)
  }

  /// The keys of a fragment's pointer after its `#/`; nil where it is wrong.
  static func keys(_ fragment: Substring) -> [String]? {
    guard let decoded = percentDecoded(fragment) else { return nil }
    return decoded.split(separator: "/", omittingEmptySubsequences: false).map(unescaped)
  }

  private static func unescaped(_ key: Substring) -> String {
    var text = String.UnicodeScalarView()
    var scalars = key.unicodeScalars[...]
    while let scalar = scalars.popFirst() {
      if scalar == "~", let next = scalars.first, next == "0" || next == "1" {
        text.append(next == "0" ? "~" : "/")
        scalars.removeFirst()
      } else {
        text.append(scalar)
      }
    }
    return String(text)
  }

  private static func percentDecoded(_ text: Substring) -> String? {
    var bytes: [UInt8] = []
    var rest = Array(text.utf8)[...]
    while let byte = rest.popFirst() {
      guard byte == UInt8(ascii: "%") else {
        bytes.append(byte)
        continue
      }
      guard rest.count >= 2,
        let code = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16)
      else { return nil }
      bytes.append(code)
      rest = rest.dropFirst(2)
    }
    return String(validating: bytes, as: UTF8.self)
  }
}

extension JSONSchemaCompiler {
  /// The schema that a reference leads to.
  mutating func resolve(_ pointer: String, at path: String) throws(MeshError) -> JSONValue {
    if pointer == "#" { return root }
    if let known = schemasByPointer[pointer] { return known }
    guard pointer.hasPrefix("#/") else {
      throw rules.budget.unsupported(
        "\"\(pointer.prefix(100))\" must begin with #/: a place in the same document",
        at: path
      )
    }
    let missing = rules.budget.invalid(
      "\"\(pointer.prefix(100))\" leads nowhere",
      at: path
    )
    guard let keys = JSONPointer.keys(pointer.dropFirst(2)) else { throw missing }
    var value = root
    for key in keys {
      if case .array(let elements) = value {
        guard let index = Int(key), elements.indices.contains(index) else { throw missing }
        value = elements[index]
      } else {
        try rules.budget.spend(value.members.count)
        guard let member = value[key] else { throw missing }
        value = member
      }
    }
    schemasByPointer[pointer] = value
    return value
  }
}
