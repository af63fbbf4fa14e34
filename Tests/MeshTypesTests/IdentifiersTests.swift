import MeshTypes
import Testing

@Suite("Identifiers")
struct IdentifiersTests {
  @Test("are ordered as their numbers, up to the largest")
  func order() {
    #expect([BlockID(3), BlockID(.max), BlockID(0)].sorted().map(\.rawValue) == [0, 3, .max])
    #expect(SequenceID(1) < SequenceID(.max))
    #expect(StepID(1) < StepID(2))
    #expect(Epoch(1) < Epoch(2))
    #expect(!(Epoch(2) < Epoch(2)))
  }
}
