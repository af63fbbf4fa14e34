extension SamplingParameters {
  /// The parameters of one of several outputs of a request: with a seed of its own. Output 0 is the one
  /// that there would be alone; output `index` has what SplitMix64 gives after so many steps from the
  /// request's seed.
  package func ofOutput(_ index: Int) -> Self {
    guard index > 0 else { return self }
    var parameters = self
    parameters.seed = SplitMix64.mix(seed &+ UInt64(index) &* SplitMix64.increment)
    return parameters
  }
}
