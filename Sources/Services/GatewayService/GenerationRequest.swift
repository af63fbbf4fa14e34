package import MeshProtos
import MeshRuntime
package import MeshTypes
import Tokenization

/// A validated request: what is asked of the scheduler and of the tokenizer's decoder.
package struct GenerationRequest: Sendable {
  /// The model's name.
  package var model: String
  /// The prompt's tokens, at least one.
  package var promptTokenIDs: [TokenID]
  /// The request field that they came from, for errors.
  package var promptField: String
  /// The most tokens to produce; nil means as many as the context has room for.
  package var maxTokens: Int32?
  /// How tokens are drawn, its seed chosen.
  package var sampling: SamplingParameters
  /// Tokens that end the stream.
  package var stopTokenIDs: Set<TokenID>
  /// Texts that end the stream.
  package var stop: [String]
  /// Whether control tokens show in the text.
  package var includesSpecialTokens: Bool
  /// The tenant's secret: KV blocks are shared only among equal salts.
  package var cacheSalt: [UInt8]
  /// How many outputs the client gets.
  package var outputCount: Int
  /// How many are produced for that; at least ``outputCount``.
  package var candidateCount: Int

  private static let maximumStopTokenIDs = 64
  private static let maximumCacheSaltBytes = 256
  private static let maximumOutputs: UInt32 = 16
  // What the tokenizer's decoder will take.
  private static let maximumStopStrings = StopStringMatcher.maximumCount
  private static let stopStringBytes = 1...StopStringMatcher.maximumLengthBytes

  /// Validates a client's options.
  ///
  /// - Parameters:
  ///   - promptTokenIDs: The prompt's tokens.
  ///   - promptField: The request field that they came from, for errors.
  ///   - options: What the client asked for.
  ///   - model: The model's vocabulary.
  ///   - seed: The seed to use if the client gave none.
  /// - Throws: ``MeshError`` `invalidArgument` naming the field and its allowed range.
  package init(
    promptTokenIDs: [TokenID],
    promptField: String,
    options: Weft_Gateway_V1_GenerationOptions,
    model: Weft_Tokenizer_V1_DescribeModelResponse,
    seed: UInt64
  ) throws(MeshError) {
    guard !promptTokenIDs.isEmpty else {
      throw .invalid(promptField, "must not be empty")
    }
    if let wrong = promptTokenIDs.first(where: { $0 >= model.vocabularySize }) {
      throw .invalid(promptField, "must be below \(model.vocabularySize), got \(wrong)")
    }
    if options.hasMaxTokens, options.maxTokens < 1 {
      throw .invalid("options.max_tokens", "must be at least 1, got \(options.maxTokens)")
    }
    let sampling = try SamplingParameters(options.sampling, defaultSeed: seed)
    try sampling.validate()
    try Self.validate(options, vocabularySize: model.vocabularySize)
    self.model = model.model
    self.promptTokenIDs = promptTokenIDs
    self.promptField = promptField
    self.maxTokens = options.hasMaxTokens ? options.maxTokens : nil
    self.sampling = sampling
    self.stopTokenIDs = Set(options.stopTokenIds)
    if !options.ignoreEos { self.stopTokenIDs.formUnion(model.endTokenIds) }
    self.stop = options.stop
    self.includesSpecialTokens = options.includeSpecialTokens
    self.cacheSalt = Array(options.cacheSalt)
    (outputCount, candidateCount) = try Self.outputCounts(options)
  }

  /// Whether outputs are compared, and only the likeliest are sent.
  package var ranksOutputs: Bool { candidateCount > outputCount }

  /// What is asked for one of the outputs.
  package func output(_ index: Int) -> Self {
    var output = self
    output.sampling = sampling.ofOutput(index)
    if ranksOutputs, sampling.logprobs == nil { output.sampling.logprobs = 0 }
    return output
  }

  private static func outputCounts(
    _ options: Weft_Gateway_V1_GenerationOptions
  ) throws(MeshError) -> (outputs: Int, candidates: Int) {
    let outputs = options.hasN ? options.n : 1
    guard 1...maximumOutputs ~= outputs else {
      throw .invalid("options.n", "must be in 1...\(maximumOutputs), got \(outputs)")
    }
    let candidates = options.hasBestOf ? options.bestOf : outputs
    guard outputs...maximumOutputs ~= candidates else {
      throw .invalid(
        "options.best_of",
        "must be in \(outputs)...\(maximumOutputs), got \(candidates)"
      )
    }
    return (Int(outputs), Int(candidates))
  }

  private static func validate(
    _ options: Weft_Gateway_V1_GenerationOptions,
    vocabularySize: UInt32
  ) throws(MeshError) {
    guard options.stopTokenIds.count <= maximumStopTokenIDs else {
      throw .invalid(
        "options.stop_token_ids",
        "must have at most \(maximumStopTokenIDs) entries, got \(options.stopTokenIds.count)"
      )
    }
    if let wrong = options.stopTokenIds.first(where: { $0 >= vocabularySize }) {
      throw .invalid("options.stop_token_ids", "must be below \(vocabularySize), got \(wrong)")
    }
    if let wrong = options.sampling.logitBias.first(where: { $0.tokenID >= vocabularySize }) {
      throw .invalid("sampling.logit_bias", "must be below \(vocabularySize), got \(wrong.tokenID)")
    }
    guard options.cacheSalt.count <= maximumCacheSaltBytes else {
      throw .invalid(
        "options.cache_salt",
        "must have at most \(maximumCacheSaltBytes) bytes, got \(options.cacheSalt.count)"
      )
    }
    guard options.stop.count <= maximumStopStrings else {
      throw .invalid(
        "options.stop",
        "must have at most \(maximumStopStrings) entries, got \(options.stop.count)"
      )
    }
    if let wrong = options.stop.first(where: { !stopStringBytes.contains($0.utf8.count) }) {
      throw .invalid("options.stop", "must be of \(stopStringBytes) bytes, got \(wrong.utf8.count)")
    }
  }
}
