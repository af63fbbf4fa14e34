package import MeshTypes

extension JSONValue {
  /// Reads JSON text.
  ///
  /// The memory it takes is at most proportional to the text, which is bounded.
  ///
  /// - Parameters:
  ///   - text: UTF-8; a byte order mark is not accepted.
  ///   - subject: What the text is, such as a file's name: the field of errors.
  ///   - limits: What the text may cost.
  /// - Throws: `corrupted` with the byte offset of the first error: wrong syntax, invalid UTF-8, an
  ///   unpaired surrogate, an integer beyond 64 bits, too long, too deep or too many values.
  package init(
    parsing text: [UInt8],
    subject: String,
    limits: JSONLimits
  ) throws(MeshError) {
    do throws(JSONSyntaxError) {
      guard text.count <= limits.byteCount else {
        throw JSONSyntaxError("must have at most \(limits.byteCount) bytes, has \(text.count)")
      }
      guard String(validating: text, as: UTF8.self) != nil else {
        throw JSONSyntaxError("is not valid UTF-8")
      }
      var parser = JSONParser(text, limits: limits)
      self = try parser.parseDocument()
    } catch {
      throw MeshError(.corrupted, "\(subject) \(error.message)", field: subject)
    }
  }
}
