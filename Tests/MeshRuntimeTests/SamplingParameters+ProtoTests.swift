import MeshProtos
import MeshRuntime
import MeshTypes
import SwiftProtobuf
import Testing

@Suite("Sampling parameters on the wire")
struct SamplingParametersProtoTests {
  @Test("absent fields mean the proto's defaults, and the seed is the caller's to choose")
  func absent() throws {
    let parameters = try SamplingParameters(.init(), defaultSeed: 7)
    #expect(parameters == SamplingParameters(seed: 7))
    #expect(try SamplingParameters(Weft_Types_V1_SamplingParameters()).seed == 0)
  }

  @Test("a field that is set to zero is not absent")
  func zero() throws {
    let message = Weft_Types_V1_SamplingParameters.with {
      $0.topP = 0
      $0.seed = 0
    }
    let parameters = try SamplingParameters(message, defaultSeed: 7)
    #expect(parameters.topP == 0)
    #expect(parameters.seed == 0)
  }

  @Test("come back as they were, by way of the bytes")
  func roundTrip() throws {
    var parameters = SamplingParameters(
      temperature: 0.7,
      topK: 40,
      topP: 0.95,
      minP: 0.05,
      seed: .max
    )
    parameters.penalties.repetition = 1.1
    parameters.penalties.presence = -0.5
    parameters.penalties.frequency = 2
    parameters.logitBias = [7: -100, 3: 0.5]
    parameters.minTokens = 4
    parameters.logprobs = 0
    parameters.structuredOutput = .gbnf("root ::= \"a\"")
    try parameters.validate()
    let bytes: [UInt8] = try parameters.message.serializedBytes()
    let again = try Weft_Types_V1_SamplingParameters(serializedBytes: bytes)
    #expect(try SamplingParameters(again, defaultSeed: 1) == parameters)
    #expect(
      try SamplingParameters(SamplingParameters().message, defaultSeed: 1) == SamplingParameters()
    )
  }

  @Test("a token with two biases and a structured output without a source are refused")
  func unreadable() {
    let twice = Weft_Types_V1_SamplingParameters.with {
      $0.logitBias = [.with { $0.tokenID = 1 }, .with { $0.tokenID = 1 }]
    }
    let error = #expect(throws: MeshError.self) { try SamplingParameters(twice) }
    #expect(error?.field == "sampling.logit_bias")
    let empty = Weft_Types_V1_SamplingParameters.with { $0.structuredOutput = .init() }
    let other = #expect(throws: MeshError.self) { try SamplingParameters(empty) }
    #expect(other?.field == "sampling.structured_output")
  }
}
