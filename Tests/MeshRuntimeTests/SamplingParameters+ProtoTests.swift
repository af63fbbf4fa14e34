import MeshProtos
import MeshRuntime
import MeshTypes
import SwiftProtobuf
import Testing

@Suite("Sampling parameters on the wire")
struct SamplingParametersProtoTests {
  @Test("absent fields mean the proto's defaults, and the seed is the caller's to choose")
  func absent() {
    let parameters = SamplingParameters(.init(), defaultSeed: 7)
    #expect(parameters == SamplingParameters(seed: 7))
    #expect(SamplingParameters(Weft_Types_V1_SamplingParameters()).seed == 0)
  }

  @Test("a field that is set to zero is not absent")
  func zero() {
    let message = Weft_Types_V1_SamplingParameters.with {
      $0.topP = 0
      $0.seed = 0
    }
    let parameters = SamplingParameters(message, defaultSeed: 7)
    #expect(parameters.topP == 0)
    #expect(parameters.seed == 0)
  }

  @Test("come back as they were, by way of the bytes")
  func roundTrip() throws {
    let parameters = SamplingParameters(
      temperature: 0.7,
      topK: 40,
      topP: 0.95,
      minP: 0.05,
      seed: .max
    )
    let bytes: [UInt8] = try parameters.message.serializedBytes()
    let again = try Weft_Types_V1_SamplingParameters(serializedBytes: bytes)
    #expect(SamplingParameters(again, defaultSeed: 1) == parameters)
    #expect(
      SamplingParameters(SamplingParameters().message, defaultSeed: 1) == SamplingParameters()
    )
  }
}
