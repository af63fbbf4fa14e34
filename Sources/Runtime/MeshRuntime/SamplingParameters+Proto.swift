package import MeshProtos
package import MeshTypes
import SwiftProtobuf

extension SamplingParameters {
  /// Reads the message; absent fields take the proto's defaults. Not validated.
  ///
  /// - Parameter defaultSeed: The seed if the message has none.
  package init(_ message: Weft_Types_V1_SamplingParameters, defaultSeed: UInt64 = 0) {
    self.init(
      temperature: message.hasTemperature ? message.temperature : 0,
      topK: message.hasTopK ? Int(message.topK) : 0,
      topP: message.hasTopP ? message.topP : 1,
      minP: message.hasMinP ? message.minP : 0,
      seed: message.hasSeed ? message.seed : defaultSeed
    )
  }

  /// The message that ``init(_:defaultSeed:)`` reads back as the same parameters. `topK` must have
  /// been validated.
  package var message: Weft_Types_V1_SamplingParameters {
    .with {
      $0.temperature = temperature
      $0.topK = Int32(topK)
      $0.topP = topP
      $0.minP = minP
      $0.seed = seed
    }
  }
}
