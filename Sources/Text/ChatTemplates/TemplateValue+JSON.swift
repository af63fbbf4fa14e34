import JSONText
package import MeshTypes

extension TemplateValue {
  /// The most bytes of JSON text that are read.
  package static let maximumJSONBytes = 16 << 20
  /// How deep arrays and objects may nest.
  package static let maximumJSONDepth = 60

  /// Reads JSON, keeping the order of keys.
  ///
  /// - Throws: ``MeshError`` `invalidArgument` with the byte offset of the first error: wrong
  ///   syntax, too long or deep, or an unpaired surrogate. An integer beyond 64 bits is read as a float.
  package init(parsingJSON text: String) throws(MeshError) {
    let limits = JSONLimits(byteCount: Self.maximumJSONBytes, depth: Self.maximumJSONDepth)
    do throws(MeshError) {
      self.init(try JSONValue(parsing: Array(text.utf8), subject: "json", limits: limits))
    } catch {
      throw MeshError(.invalidArgument, error.message, field: "json")
    }
  }

  private init(_ json: JSONValue) {
    switch json {
    case .null: self = .none
    case .boolean(let value): self = .boolean(value)
    case .integer(let value): self = .integer(value)
    case .number(let value): self = .float(value)
    case .string(let value): self = .string(value)
    case .array(let elements): self = .array(elements.map { Self($0) })
    case .object(let members):
      self = .object(
        TemplateObject(members.map { .init(key: $0.key, value: Self($0.value)) })
      )
    }
  }
}
