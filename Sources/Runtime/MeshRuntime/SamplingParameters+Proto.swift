package import MeshProtos
package import MeshTypes
import SwiftProtobuf

extension SamplingParameters {
  /// Reads the message; absent fields take the proto's defaults. Not validated, but for what cannot
  /// be read.
  ///
  /// - Parameter defaultSeed: The seed if the message has none.
  /// - Throws: ``MeshError`` `invalidArgument` for a token that has two biases, and for a structured
  ///   output without a source.
  package init(
    _ message: Weft_Types_V1_SamplingParameters,
    defaultSeed: UInt64 = 0
  ) throws(MeshError) {
    self.init(
      temperature: message.hasTemperature ? message.temperature : 0,
      topK: message.hasTopK ? Int(message.topK) : 0,
      topP: message.hasTopP ? message.topP : 1,
      minP: message.hasMinP ? message.minP : 0,
      seed: message.hasSeed ? message.seed : defaultSeed
    )
    if message.hasRepetitionPenalty { penalties.repetition = message.repetitionPenalty }
    penalties.presence = message.presencePenalty
    penalties.frequency = message.frequencyPenalty
    for entry in message.logitBias {
      guard logitBias.updateValue(entry.bias, forKey: entry.tokenID) == nil else {
        throw .invalid(
          "sampling.logit_bias",
          "must have each token once, has \(entry.tokenID) twice"
        )
      }
    }
    minTokens = Int(message.minTokens)
    logprobs = message.hasLogprobs ? Int(message.logprobs) : nil
    if message.hasStructuredOutput {
      structuredOutput = try StructuredOutput(message.structuredOutput)
    }
  }

  /// The message that ``init(_:defaultSeed:)`` reads back as the same parameters. They must have
  /// been validated.
  package var message: Weft_Types_V1_SamplingParameters {
    .with {
      $0.temperature = temperature
      $0.topK = Int32(topK)
      $0.topP = topP
      $0.minP = minP
      $0.seed = seed
      if penalties.repetition != 1 { $0.repetitionPenalty = penalties.repetition }
      if penalties.presence != 0 { $0.presencePenalty = penalties.presence }
      if penalties.frequency != 0 { $0.frequencyPenalty = penalties.frequency }
      $0.logitBias = logitBias.sorted { $0.key < $1.key }.map { id, bias in
        .with {
          $0.tokenID = id
          $0.bias = bias
        }
      }
      if minTokens > 0 { $0.minTokens = UInt32(minTokens) }
      if let logprobs { $0.logprobs = UInt32(logprobs) }
      if let structuredOutput { $0.structuredOutput = structuredOutput.message }
    }
  }
}

extension StructuredOutput {
  fileprivate init(_ message: Weft_Types_V1_StructuredOutput) throws(MeshError) {
    switch message.source {
    case .jsonSchema(let text): self = .jsonSchema(text)
    case .regex(let text): self = .regularExpression(text)
    case .grammar(let text): self = .gbnf(text)
    case nil:
      throw .invalid(
        "sampling.structured_output",
        "must be given as json_schema, regex or grammar"
      )
    }
  }

  fileprivate var message: Weft_Types_V1_StructuredOutput {
    .with {
      switch self {
      case .jsonSchema(let text): $0.jsonSchema = text
      case .regularExpression(let text): $0.regex = text
      case .gbnf(let text): $0.grammar = text
      }
    }
  }
}
