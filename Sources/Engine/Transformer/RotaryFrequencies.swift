import Glibc

/// The radians per position of each rotating pair: base^(-2i / dimension), divided by the position
/// scale and by the file's factor for the pair.
///
/// Computed in double precision and rounded once, which hides what libms differ in.
func rotaryFrequencies(_ configuration: ModelConfiguration, factors: [Float]?) -> [Float] {
  (0..<configuration.rotaryDimension / 2).map { pair in
    let exponent = -2 * Double(pair) / Double(configuration.rotaryDimension)
    let frequency = pow(Double(configuration.rotaryBase), exponent)
    return Float(
      frequency / Double(configuration.rotaryScale) / Double(factors.map { $0[pair] } ?? 1)
    )
  }
}
