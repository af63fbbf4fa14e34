extension SamplingParameters {
  /// The parameters of one of several outputs of a request: with a seed of its own. Output 0 is the one
  /// that there would be alone; output `index` has what SplitMix64 gives after so many steps from the
  /// request's seed.
  package func ofOutput(_ index: Int) -> Self {
    guard index > 0 else { return self }
    var mixed = seed &+ UInt64(index) &* 0x9E37_79B9_7F4A_7C15
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    var parameters = self
    parameters.seed = mixed ^ (mixed >> 31)
    return parameters
  }
}
