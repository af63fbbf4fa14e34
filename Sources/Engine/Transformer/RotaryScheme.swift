import Glibc
import MeshTypes

/// How positions rotate queries and keys.
package struct RotaryScheme: Hashable, Sendable {
  /// Leading values of a head that rotate; even.
  package var dimension: Int
  /// Pair i rotates by base^(-2i / dimension) radians a position.
  package var base: Float
  package var scaling = Scaling.none

  /// How a model reaches beyond the context that it was first trained on.
  package enum Scaling: Hashable, Sendable {
    case none
    /// All positions are divided by a factor.
    case linear(factor: Float)
    /// Slow pairs are divided, fast ones are left as they are (Peng et al. 2023, YaRN).
    case yarn(Yarn)
  }

  /// The parameters of YaRN.
  package struct Yarn: Hashable, Sendable {
    package var factor: Float
    /// The context that the model was first trained on.
    package var originalContextLength: Int
    /// Turns within that context from which on, and below which, a pair is fast or slow.
    package var fastTurns: Float = 32
    package var slowTurns: Float = 1
    package var attentionFactor: Float = 1
  }

  package init(dimension: Int, base: Float, scaling: Scaling = .none) {
    self.dimension = dimension
    self.base = base
    self.scaling = scaling
  }

  /// Reads `rope.*`.
  ///
  /// - Throws: ``MeshError`` as ``ModelConfiguration/init(file:)``.
  init(_ metadata: ModelMetadata, headDimension: Int) throws(MeshError) {
    dimension =
      try metadata.integerIfPresent("rope.dimension_count", in: 2...256) ?? headDimension
    base = try metadata.floatIfPresent("rope.freq_base", in: 1...1e12) ?? 10_000
    let factors: ClosedRange<Float> = 1e-3...1e3
    switch try metadata.stringIfPresent("rope.scaling.type") {
    case nil, "none":
      let factor = try metadata.floatIfPresent("rope.scale_linear", in: factors) ?? 1
      if factor != 1 { scaling = .linear(factor: factor) }
    case "linear":
      scaling = .linear(factor: try metadata.float("rope.scaling.factor", in: factors))
    case "yarn":
      var yarn = Yarn(
        factor: try metadata.float("rope.scaling.factor", in: 1...1e3),
        originalContextLength: try metadata.integer(
          "rope.scaling.original_context_length",
          in: 1...16_777_216
        )
      )
      let turns: ClosedRange<Float> = 1e-3...1e6
      yarn.fastTurns = try metadata.floatIfPresent("rope.scaling.yarn_beta_fast", in: turns) ?? 32
      yarn.slowTurns = try metadata.floatIfPresent("rope.scaling.yarn_beta_slow", in: turns) ?? 1
      yarn.attentionFactor =
        try metadata.floatIfPresent("rope.scaling.attn_factor", in: factors) ?? 1
      scaling = .yarn(yarn)
    case let other?:
      throw metadata.unimplemented(
        "rope.scaling.type",
        "must be none, linear or yarn, found \(other.prefix(64).debugDescription)"
      )
    }
    guard dimension % 2 == 0, dimension <= headDimension else {
      throw metadata.mismatch(
        "rope.dimension_count",
        "must be even and at most \(headDimension), found \(dimension)"
      )
    }
  }

  /// The radians per position of each pair.
  ///
  /// Computed in double precision and rounded once, which hides what libms differ in.
  ///
  /// - Parameter factors: What each is divided by, if the file says (Llama 3).
  package func frequencies(factors: [Float]? = nil) -> [Float] {
    (0..<dimension / 2).map { pair in
      let frequency = pow(Double(base), -2 * Double(pair) / Double(dimension))
      return Float(frequency / divisor(ofPair: pair) / Double(factors.map { $0[pair] } ?? 1))
    }
  }

  private func divisor(ofPair pair: Int) -> Double {
    switch scaling {
    case .none: return 1
    case .linear(let factor): return Double(factor)
    case .yarn(let yarn):
      let fast = max(place(ofTurns: yarn.fastTurns, yarn).rounded(.down), 0)
      let slow = min(place(ofTurns: yarn.slowTurns, yarn).rounded(.up), Double(dimension - 1))
      let share = min(max((Double(pair) - fast) / max(slow - fast, 0.001), 0), 1)
      return 1 / (share / Double(yarn.factor) + 1 - share)
    }
  }

  /// The pair that turns so often within the original context.
  private func place(ofTurns turns: Float, _ yarn: Yarn) -> Double {
    let ratio = Double(yarn.originalContextLength) / (Double(turns) * 2 * Double.pi)
    return Double(dimension) * log(ratio) / (2 * log(Double(base)))
  }

  /// What cosines and sines are multiplied with: attention over more positions is flatter otherwise.
  package var magnitude: Float {
    guard case .yarn(let yarn) = scaling else { return 1 }
    return Float(Double(yarn.attentionFactor) * (1 + 0.1 * log(Double(yarn.factor))))
  }
}
