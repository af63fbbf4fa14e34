import MeshProtos

/// An output that is ranked among others before anyone sees it.
struct OutputCandidate: Sendable {
  /// The output's number among all that are produced.
  let index: Int
  /// What there is to send of it, with how likely each token was.
  private(set) var parts: [GenerationPart] = []
  private var sum = 0.0
  private var tokenCount = 0

  init(index: Int) { self.index = index }

  mutating func append(_ part: GenerationPart) {
    for logprobs in part.logprobs { sum += Double(logprobs.token.logprob) }
    tokenCount += part.logprobs.count
    parts.append(part)
  }

  /// The mean logarithmic probability of its tokens; of none, and of what is no number, the least that
  /// there is.
  var meanLogprob: Double {
    guard tokenCount > 0, !sum.isNaN else { return -.infinity }
    return sum / Double(tokenCount)
  }

  /// The likeliest of several outputs, the likeliest first; among equals the first of them.
  static func best(_ count: Int, of candidates: [Self]) -> [Self] {
    let ranked = candidates.sorted { lhs, rhs in
      lhs.meanLogprob == rhs.meanLogprob
        ? lhs.index < rhs.index : lhs.meanLogprob > rhs.meanLogprob
    }
    return Array(ranked.prefix(count))
  }
}
