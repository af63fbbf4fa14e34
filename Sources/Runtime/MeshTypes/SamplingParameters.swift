/// How the next token is chosen from the logits.
///
/// The order of application is: ``temperature``, ``topK``, ``topP``, ``minP``, then one draw from
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
  }
}
