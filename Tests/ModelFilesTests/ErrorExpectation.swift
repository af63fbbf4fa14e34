import MeshTypes
import Testing

/// Expects `body` to throw a ``MeshError`` with this code and field, whose message holds all of
/// `words`.
func expect(
  _ code: MeshError.Code,
  _ field: String?,
  _ words: [String] = [],
  sourceLocation: SourceLocation = #_sourceLocation,
  _ body: () throws -> Void
) {
  let error = #expect(throws: MeshError.self, sourceLocation: sourceLocation) { try body() }
  guard let error else { return }
  #expect(error.code == code, "\(error)", sourceLocation: sourceLocation)
  #expect(error.field == field, "\(error)", sourceLocation: sourceLocation)
  for word in words {
    #expect(error.message.contains(word), "\(error)", sourceLocation: sourceLocation)
  }
}
