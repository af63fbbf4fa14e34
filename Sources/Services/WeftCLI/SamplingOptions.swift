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

  @Option(help: "A text that ends the output; may be repeated.")
  var stop: [String] = []

  @Option(help: "A tenant's secret: KV blocks are shared only under the same one.")
  var cacheSalt: String?

  /// The flags as the gateway takes them.
  var message: Weft_Gateway_V1_GenerationOptions {
    .with { options in
      if let maxTokens { options.maxTokens = maxTokens }
      options.stop = stop
      if let cacheSalt { options.cacheSalt = Data(cacheSalt.utf8) }
      options.sampling = .with {
        if let temperature { $0.temperature = temperature }
        if let topK { $0.topK = topK }
        if let topP { $0.topP = topP }
        if let minP { $0.minP = minP }
        if let seed { $0.seed = seed }
      }
    }
  }
}
