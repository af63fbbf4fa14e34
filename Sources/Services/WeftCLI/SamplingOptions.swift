import ArgumentParser
import FoundationEssentials
import MeshProtos
import SwiftProtobuf

/// The flags of a generation, for `generate` and `chat`.
struct SamplingOptions: ParsableArguments {
  @Option(help: "The most tokens to produce.")
  var maxTokens: Int32?

  @Option(help: "0 is greedy.")
  var temperature: Float?

  @Option(help: "Keep this many of the most likely tokens; 0 keeps all.")
  var topK: Int32?

  @Option(help: "Keep the most likely tokens up to this probability.")
  var topP: Float?

  @Option(help: "Drop tokens less likely than this times the most likely one.")
  var minP: Float?

  @Option(help: "The same seed gives the same output.")
  var seed: UInt64?

  @Option(help: "Divides the logits of tokens that are there already; 1 is none.")
  var repetitionPenalty: Float?

  @Option(help: "Is subtracted from the logits of tokens in the output.")
  var presencePenalty: Float?

  @Option(help: "Is subtracted from the logits of tokens in the output, once for each time.")
  var frequencyPenalty: Float?

  @Option(help: "The fewest tokens to produce.")
  var minTokens: UInt32?

  @OptionGroup var structure: StructureOptions

  @Option(help: "A text that ends the output; may be repeated.")
  var stop: [String] = []

  @Option(help: "A tenant's secret: KV blocks are shared only under the same one.")
  var cacheSalt: String?

  /// The flags as the gateway takes them.
  ///
  /// - Throws: `ValidationError` for a grammar's file that cannot be read.
  func message() throws -> Weft_Gateway_V1_GenerationOptions {
    let structuredOutput = try structure.message()
    return .with { options in
      if let maxTokens { options.maxTokens = maxTokens }
      options.stop = stop
      if let cacheSalt { options.cacheSalt = Data(cacheSalt.utf8) }
      options.sampling = .with {
        if let temperature { $0.temperature = temperature }
        if let topK { $0.topK = topK }
        if let topP { $0.topP = topP }
        if let minP { $0.minP = minP }
        if let seed { $0.seed = seed }
        if let repetitionPenalty { $0.repetitionPenalty = repetitionPenalty }
        if let presencePenalty { $0.presencePenalty = presencePenalty }
        if let frequencyPenalty { $0.frequencyPenalty = frequencyPenalty }
        if let minTokens { $0.minTokens = minTokens }
        if let structuredOutput { $0.structuredOutput = structuredOutput }
      }
    }
  }
}
