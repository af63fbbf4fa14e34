import MeshTypes
import Testing

@Suite("An error of the mesh")
struct MeshErrorTests {
  @Test("about a field begins with the field's name and remembers it")
  func field() {
    let error = MeshError.invalid("max_tokens", "must be at least 1, got 0")
    #expect(error.code == .invalidArgument)
    #expect(error.field == "max_tokens")
    #expect(error.message == "max_tokens must be at least 1, got 0")
    #expect(error.description == "invalidArgument: max_tokens must be at least 1, got 0")
  }

  @Test("has no field unless one is at fault")
  func noField() {
    #expect(MeshError(.unavailable, "no worker").field == nil)
  }

  @Test("every code is a kind of its own with a name of its own")
  func codes() {
    let codes: [MeshError.Code] = [
      .invalidArgument, .notFound, .alreadyExists, .failedPrecondition, .outOfRange,
      .resourceExhausted, .cancelled, .deadlineExceeded, .unavailable, .internalError, .corrupted,
      .unimplemented,
    ]
    #expect(Set(codes).count == codes.count)
    #expect(Set(codes.map(\.description)).count == codes.count)
  }
}
