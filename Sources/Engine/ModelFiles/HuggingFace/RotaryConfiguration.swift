/// How positions rotate queries and keys.
package struct RotaryConfiguration: Hashable, Sendable {
  /// How the angles of contexts longer than those of the training are made smaller.
  package enum Scaling: Hashable, Sendable {
    case none
    /// All positions are divided by the factor.
    case linear(factor: Float)
    /// Slow frequencies are divided by the factor, fast ones not, with a ramp between them.
    case llama3(factor: Float, lowFrequency: Float, highFrequency: Float, originalContext: Int)
    /// YaRN (Peng et al. 2023); nil: the magnitude that follows from the factor.
    case yarn(
      factor: Float,
      originalContext: Int,
      fast: Float,
      slow: Float,
      attentionFactor: Float?
    )
  }

  /// Leading dimensions of a head that rotate.
  package var dimension: Int
  package var base: Float
  /// The base in layers with a sliding window, where it differs.
  package var slidingBase: Float?
  package var scaling: Scaling

  /// What the frequency of each rotating pair is divided by, beyond ``base``; nil for nothing.
  ///
  /// As `rope_freqs.weight` has it in GGUF files of Llama 3.
  package func frequencyDivisors(power: (Double, Double) -> Double) -> [Float]? {
    guard case .llama3(let factor, let low, let high, let original) = scaling else { return nil }
    return (0..<dimension / 2).map { pair in
      let exponent = Double(2 * pair) / Double(dimension)
      let wavelength = 2 * Double.pi * power(Double(base), exponent)
      let turns = Double(original) / wavelength
      if turns > Double(high) { return 1 }
      if turns < Double(low) { return factor }
      let smooth = (turns - Double(low)) / (Double(high) - Double(low))
      return Float(1 / ((1 - smooth) / Double(factor) + smooth))
    }
  }
}
