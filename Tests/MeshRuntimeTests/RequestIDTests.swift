import GRPCCore
import MeshRuntime
import ServiceTesting
import TestSupport
import Testing

@Suite("A request's id")
struct RequestIDTests {
  private static func adopted(_ id: String) -> String {
    RequestID.adopted(from: [RequestID.metadataKey: .string(id)])
  }

  @Test(
    "is the client's if it can be logged",
    arguments: [
      "a", "!", "~", "550e8400-e29b-41d4-a716-446655440000", String(repeating: "x", count: 128),
    ]
  )
  func kept(_ id: String) {
    #expect(Self.adopted(id) == id)
  }

  @Test(
    "is a new one otherwise",
    arguments: [
      "", " ", "a b", "a\nb", "tab\t", "\u{7f}", "é", "\u{1F600}",
      String(repeating: "x", count: 129),
    ]
  )
  func replaced(_ id: String) {
    let adopted = Self.adopted(id)
    #expect(adopted != id)
    #expect(adopted.count == 32)
    #expect(adopted.allSatisfy { $0.isHexDigit })
  }

  @Test("is new, and another each time, if there is none")
  func absent() {
    let ids = (0..<100).map { _ in RequestID.adopted(from: [:]) }
    #expect(Set(ids).count == 100)
  }

  @Test("has 32 digits whatever the numbers drawn")
  func digits() {
    struct Zeros: RandomNumberGenerator {
      mutating func next() -> UInt64 { 0 }
    }
    #expect(RequestID.make(using: Zeros()) == String(repeating: "0", count: 32))
    #expect(RequestID.make(using: SeededGenerator(seed: 1)).count == 32)
  }

  @Test("goes from service to service unchanged")
  func metadata() {
    #expect(RequestID.adopted(from: RequestID.metadata("abc")) == "abc")
  }
}
