import MeshTypes
import Testing

@Suite("Sampling parameters")
struct SamplingParametersTests {
  /// A parameter set that differs from the valid defaults in one field.
  struct Case: Sendable, CustomTestStringConvertible {
    var field: String
    var parameters: SamplingParameters
    var testDescription: String { "\(field) in \(parameters)" }
  }

  static let bounds: [SamplingParameters] = [
    SamplingParameters(),
    SamplingParameters(temperature: 0),
    SamplingParameters(temperature: -0.0),
    SamplingParameters(temperature: .leastNonzeroMagnitude),
    SamplingParameters(temperature: 100),
    SamplingParameters(topK: 1),
    SamplingParameters(topK: Int(Int32.max)),
    SamplingParameters(topP: .leastNonzeroMagnitude),
    SamplingParameters(topP: 1),
    SamplingParameters(minP: 0),
    SamplingParameters(minP: 1),
    SamplingParameters(seed: .max),
  ]

  static let wrong: [Case] =
    [Float.nan, .signalingNaN, .infinity, -.infinity, -1, Float(-0.0).nextDown, Float(100).nextUp]
    .map { Case(field: "temperature", parameters: SamplingParameters(temperature: $0)) }
    + [-1, Int(Int32.max) + 1, .min, .max]
    .map { Case(field: "top_k", parameters: SamplingParameters(topK: $0)) }
    + [Float.nan, .infinity, -.infinity, 0, -0.0, -0.5, Float(1).nextUp]
    .map { Case(field: "top_p", parameters: SamplingParameters(topP: $0)) }
    + [Float.nan, .infinity, -.infinity, -0.5, Float(1).nextUp]
    .map { Case(field: "min_p", parameters: SamplingParameters(minP: $0)) }

  @Test("the bounds themselves are allowed", arguments: bounds)
  func allowed(_ parameters: SamplingParameters) throws {
    try parameters.validate()
  }

  @Test("a value out of range, infinite or not a number is refused by name", arguments: wrong)
  func refused(_ example: Case) throws {
    let error = try #require(throws: MeshError.self) { try example.parameters.validate() }
    #expect(error.code == .invalidArgument)
    #expect(error.field == "sampling.\(example.field)")
    #expect(error.message.hasPrefix("sampling.\(example.field) must be "))
    #expect(error.message.contains("got "))
  }

  @Test("absent parameters mean greedy over everything")
  func defaults() {
    let parameters = SamplingParameters()
    #expect(parameters.temperature == 0)
    #expect(parameters.topK == 0)
    #expect(parameters.topP == 1)
    #expect(parameters.minP == 0)
    #expect(parameters.seed == 0)
  }
}
