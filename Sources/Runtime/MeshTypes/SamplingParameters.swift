/// How the next token is chosen from the logits.
///
/// The order of application is: ``logitBias``, ``penalties``, what ``minTokens`` and
/// ``structuredOutput`` leave out, ``temperature``, ``topK``, ``topP``, ``minP``, then one draw from
/// a counter-based generator keyed by (``seed``, position of the new token).
public struct SamplingParameters: Hashable, Sendable {
  /// 0 is greedy (the most likely token, the lowest id among equals); otherwise logits are divided
  /// by it. In ``temperatureRange``.
  public var temperature: Float
  /// Keep the `topK` most likely tokens; 0 keeps all.
  public var topK: Int
  /// Keep the smallest set of most likely tokens whose probabilities add up to at least `topP`;
  /// 1 keeps all. In (0, 1].
  public var topP: Float
  /// Drop tokens less likely than `minP` times the most likely one; 0 drops none. In [0, 1].
  public var minP: Float
  /// The key of the random generator: the same seed gives the same output.
  public var seed: UInt64
  /// What makes tokens less likely that are there already.
  public var penalties = Penalties()
  /// Is added to tokens' logits. At most ``maximumLogitBiases``, each in -100...100.
  public var logitBias: [TokenID: Float] = [:]
  /// Tokens that end the sequence are left out until there are so many. Never negative.
  public var minTokens = 0
  /// How many of the most likely tokens to tell for each token, besides its own logarithmic
  /// probability; nil tells neither. In 0...``maximumLogprobs``.
  public var logprobs: Int?
  /// What the text must be; nil is any text.
  public var structuredOutput: StructuredOutput?

  /// What makes tokens less likely that are there already; none as it stands.
  public struct Penalties: Hashable, Sendable {
    /// Logits of tokens in prompt and output are divided by it if positive, else multiplied with it.
    /// In 0.01...100; 1 is none.
    public var repetition: Float = 1
    /// Is subtracted from the logits of tokens in the output. In -2...2.
    public var presence: Float = 0
    /// Is subtracted from the logits of tokens in the output once for each time. In -2...2.
    public var frequency: Float = 0

    /// No penalties.
    public init() {}
  }

  /// The most entries of ``logitBias``.
  public static let maximumLogitBiases = 1024
  /// The most tokens that ``logprobs`` tells.
  public static let maximumLogprobs = 20

  /// Greedy unless told otherwise.
  public init(
    temperature: Float = 0,
    topK: Int = 0,
    topP: Float = 1,
    minP: Float = 0,
    seed: UInt64 = 0
  ) {
    self.temperature = temperature
    self.topK = topK
    self.topP = topP
    self.minP = minP
    self.seed = seed
  }

  /// Allowed temperatures.
  public static let temperatureRange: ClosedRange<Float> = 0...100

  /// The one validator, for every entrance and again in the worker.
  ///
  /// - Throws: ``MeshError`` `invalidArgument` naming the field and its allowed range.
  public func validate() throws(MeshError) {
    guard temperature.isFinite, Self.temperatureRange.contains(temperature) else {
      throw .invalid("sampling.temperature", "must be in 0...100, got \(temperature)")
    }
    guard topK >= 0, topK <= Int(Int32.max) else {
      throw .invalid("sampling.top_k", "must be in 0...\(Int32.max), got \(topK)")
    }
    guard topP.isFinite, topP > 0, topP <= 1 else {
      throw .invalid("sampling.top_p", "must be greater than 0 and at most 1, got \(topP)")
    }
    guard minP.isFinite, minP >= 0, minP <= 1 else {
      throw .invalid("sampling.min_p", "must be in 0...1, got \(minP)")
    }
    try penalties.validate()
    try validateTokens()
    if let source = structuredOutput, source.text.utf8.count > StructuredOutput.maximumBytes {
      throw .invalid(
        source.field,
        "must have at most \(StructuredOutput.maximumBytes) bytes, has \(source.text.utf8.count)"
      )
    }
  }

  private func validateTokens() throws(MeshError) {
    guard logitBias.count <= Self.maximumLogitBiases else {
      throw .invalid(
        "sampling.logit_bias",
        "must have at most \(Self.maximumLogitBiases) entries, has \(logitBias.count)"
      )
    }
    if let wrong = logitBias.values.first(where: { !(-100...100).contains($0) }) {
      throw .invalid("sampling.logit_bias", "must be in -100...100, got \(wrong)")
    }
    guard (0...Int(Int32.max)).contains(minTokens) else {
      throw .invalid("sampling.min_tokens", "must be in 0...\(Int32.max), got \(minTokens)")
    }
    if let logprobs, !(0...Self.maximumLogprobs).contains(logprobs) {
      throw .invalid(
        "sampling.logprobs",
        "must be in 0...\(Self.maximumLogprobs), got \(logprobs)"
      )
    }
  }
}

extension SamplingParameters.Penalties {
  fileprivate func validate() throws(MeshError) {
    guard (0.01...100).contains(repetition) else {
      throw .invalid("sampling.repetition_penalty", "must be in 0.01...100, got \(repetition)")
    }
    guard (-2...2).contains(presence) else {
      throw .invalid("sampling.presence_penalty", "must be in -2...2, got \(presence)")
    }
    guard (-2...2).contains(frequency) else {
      throw .invalid("sampling.frequency_penalty", "must be in -2...2, got \(frequency)")
    }
  }
}
