package import MeshTypes

/// A value inside a JSON document, together with the path that leads to it, so that errors can name
/// it: `model.merges[3]`.
///
/// A member that is missing and one that is `null` are the same. Accessors throw `corrupted` for a
/// value of another kind and `notFound` for a missing member; the field of errors is the path.
package struct JSONField: Sendable {
  package let value: JSONValue
  /// Keys from the document's top, with dots between them.
  package let path: String

  /// The top of a document.
  package init(_ value: JSONValue) { self.init(value, path: "") }

  package init(_ value: JSONValue, path: String) {
    self.value = value
    self.path = path
  }

  /// A member of this object; nil if it is missing or null, or if this is no object.
  package subscript(key: String) -> JSONField? {
    guard let value = value[key], value != .null else { return nil }
    return JSONField(value, path: self.path(to: key))
  }

  /// A member of this object.
  package func member(_ key: String) throws(MeshError) -> JSONField {
    guard let member = self[key] else {
      let path = path(to: key)
      throw MeshError(.notFound, "\(path) is missing", field: path)
    }
    return member
  }

  /// The members of this object, in order.
  package func members() throws(MeshError) -> [(key: String, field: JSONField)] {
    guard case .object(let members) = value else { throw mismatch("an object") }
    return members.map { ($0.key, JSONField($0.value, path: path(to: $0.key))) }
  }

  /// The elements of this array.
  package func elements() throws(MeshError) -> [JSONField] {
    guard case .array(let elements) = value else { throw mismatch("an array") }
    return elements.enumerated().map { JSONField($1, path: "\(path)[\($0)]") }
  }

  package func string() throws(MeshError) -> String {
    guard case .string(let string) = value else { throw mismatch("a string") }
    return string
  }

  package func boolean() throws(MeshError) -> Bool {
    guard case .boolean(let boolean) = value else { throw mismatch("a boolean") }
    return boolean
  }

  /// An integer in `range`; a number such as `8192.0` is one too.
  package func integer(in range: ClosedRange<Int>) throws(MeshError) -> Int {
    let integer: Int?
    switch value {
    case .integer(let value): integer = value
    case .number(let value): integer = Int(exactly: value)
    default: throw mismatch("an integer")
    }
    guard let integer, range.contains(integer) else { throw outside("\(range)") }
    return integer
  }

  /// A number in `range`, whole or not.
  package func number(in range: ClosedRange<Double>) throws(MeshError) -> Double {
    let number: Double
    switch value {
    case .integer(let value): number = Double(value)
    case .number(let value): number = value
    default: throw mismatch("a number")
    }
    guard range.contains(number) else { throw outside("\(range)") }
    return number
  }

  /// An `unimplemented` error about this value.
  ///
  /// - Parameter accepted: What would be accepted, to stand behind "must be".
  package func unsupported(_ accepted: String) -> MeshError {
    MeshError(.unimplemented, "\(path) must be \(accepted), is \(shown)", field: path)
  }

  /// A `corrupted` error about this value.
  package func corrupted(_ message: String) -> MeshError {
    MeshError(.corrupted, "\(path) \(message)", field: path)
  }

  private func path(to key: String) -> String {
    let key = key.utf8.count <= 100 ? key : String(key.prefix(50)) + "…"
    return path.isEmpty ? key : "\(path).\(key)"
  }

  private func mismatch(_ expected: String) -> MeshError {
    corrupted("must be \(expected), is \(shown)")
  }

  private func outside(_ range: String) -> MeshError {
    corrupted("must be in \(range), is \(shown)")
  }

  /// The value itself if it is short, else its kind.
  private var shown: String {
    switch value {
    case .boolean(let value): "\(value)"
    case .integer(let value): "\(value)"
    case .number(let value): "\(value)"
    case .string(let value): String(value.prefix(100)).debugDescription
    case .null, .array, .object: value.kind
    }
  }
}
