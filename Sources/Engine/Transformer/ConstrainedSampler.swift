import Glibc
import Kernels
package import MeshTypes

/// The tokens that a sequence has, as far as they change what comes next.
package struct TokenHistory {
  /// Prompt and output.
  package var tokenIDs: [TokenID]
  /// How many of them are the prompt.
  package var promptCount: Int

  /// Creates a history.
  package init(tokenIDs: [TokenID], promptCount: Int) {
    self.tokenIDs = tokenIDs
    self.promptCount = promptCount
  }
}

/// Samples after changing the logits as parameters and grammars ask: bias, penalties, tokens left
/// out. It is a value with scratch memory, one per thread.
package struct ConstrainedSampler: Sendable {
  private var sampler: Sampler
  private var logits: [Float] = []
  private var weights: [Float] = []
  /// By token: how often the output has it; 0 for all between calls.
  private var counts: [Int32] = []
  /// The logit of tokens that are left out: finite, and with no probability beside any other.
  private static let excluded = -Float.greatestFiniteMagnitude

  /// - Parameter sampler: What samples from the logits once they are changed.
  package init(_ sampler: Sampler = Sampler()) { self.sampler = sampler }

  /// Chooses the token for the position after a history.
  ///
  /// - Parameters:
  ///   - logits: One per entry of the vocabulary; at least one.
  ///   - parameters: Already validated.
  ///   - history: The tokens so far.
  ///   - endTokenIDs: What `minTokens` leaves out; ids beyond the vocabulary are ignored.
  ///   - allowed: The tokens that a grammar allows, bit `id % 64` of word `id / 64`; nil for all.
  /// - Returns: The token, with its probability under the model itself, before any change.
  package mutating func sample(
    _ logits: Span<Float>,
    _ parameters: SamplingParameters,
    history: TokenHistory,
    endTokenIDs: [TokenID] = [],
    allowed: [UInt64]? = nil
  ) -> SampledToken {
    let position = history.tokenIDs.count
    let excludesEnds = position - history.promptCount < parameters.minTokens
    guard parameters.changesLogits || excludesEnds || allowed != nil else {
      return sampler.sample(logits, parameters, position: position)
    }
    copy(logits)
    for (id, bias) in parameters.logitBias where Int(id) < self.logits.count {
      self.logits[Int(id)] += bias
    }
    apply(parameters.penalties, history)
    if let allowed { exclude(allBut: allowed) }
    // What the grammar asks for goes before what the request would rather have.
    if excludesEnds, allowed.map({ Self.leadsOn($0, besides: endTokenIDs) }) ?? true {
      exclude(endTokenIDs)
    }
    // Taken out meanwhile: the call reads them and changes the rest.
    let changed = self.logits
    self.logits = []
    var token = sampler.sample(changed.span, parameters, position: position)
    self.logits = changed
    token.logprob = logprob(of: token.id, logits)
    return token
  }

  /// The most likely tokens under the model itself, most likely first, the lowest id among equals.
  package mutating func likeliest(_ count: Int, of logits: Span<Float>) -> [SampledToken] {
    guard count > 0 else { return [] }
    var best: [(id: TokenID, logit: Float)] = []
    copy(logits)
    for (id, logit) in self.logits.enumerated() {
      if best.count == count, let last = best.last, logit <= last.logit { continue }
      let index = best.firstIndex { $0.logit < logit } ?? best.count
      if best.count == count { best.removeLast() }
      if index < count { best.insert((TokenID(id), logit), at: index) }
    }
    let (largest, logTotal) = normalization()
    return best.map { SampledToken(id: $0.id, logprob: $0.logit - largest - logTotal) }
  }

  /// Takes over logits; those that are not finite are made so.
  private mutating func copy(_ logits: Span<Float>) {
    let limit = Float.greatestFiniteMagnitude
    if self.logits.count != logits.count {
      self.logits = Array(repeating: 0, count: logits.count)
      counts = Array(repeating: 0, count: logits.count)
    }
    for index in logits.indices {
      let logit = logits[index]
      self.logits[index] = logit.isNaN ? -limit : min(max(logit, -limit), limit)
    }
  }

  private mutating func apply(_ penalties: SamplingParameters.Penalties, _ history: TokenHistory) {
    guard penalties != SamplingParameters.Penalties() else { return }
    // Each token once: its count is -1 from then on.
    if penalties.repetition != 1 {
      for id in history.tokenIDs where Int(id) < logits.count && counts[Int(id)] == 0 {
        counts[Int(id)] = -1
        let logit = logits[Int(id)]
        logits[Int(id)] = logit > 0 ? logit / penalties.repetition : logit * penalties.repetition
      }
      for id in history.tokenIDs where Int(id) < logits.count { counts[Int(id)] = 0 }
    }
    let output = history.tokenIDs.dropFirst(history.promptCount)
    for id in output where Int(id) < logits.count { counts[Int(id)] += 1 }
    for id in output where Int(id) < logits.count && counts[Int(id)] > 0 {
      let count = Float(counts[Int(id)])
      counts[Int(id)] = 0
      logits[Int(id)] -= penalties.frequency * count + penalties.presence
    }
  }

  /// Whether a set has tokens besides some.
  private static func leadsOn(_ allowed: [UInt64], besides ids: [TokenID]) -> Bool {
    var allowed = allowed
    for id in ids where Int(id) / 64 < allowed.count {
      allowed[Int(id) / 64] &= ~(1 << UInt64(id % 64))
    }
    return allowed.contains { $0 != 0 }
  }

  private mutating func exclude(_ ids: [TokenID]) {
    for id in ids where Int(id) < logits.count { logits[Int(id)] = Self.excluded }
  }

  private mutating func exclude(allBut allowed: [UInt64]) {
    for word in 0..<((logits.count + 63) / 64) {
      var bits = word < allowed.count ? ~allowed[word] : UInt64.max
      let first = word * 64
      if logits.count - first < 64 { bits &= (1 << UInt64(logits.count - first)) - 1 }
      while bits != 0 {
        logits[first + bits.trailingZeroBitCount] = Self.excluded
        bits &= bits - 1
      }
    }
  }

  /// The logarithm of a token's probability under unchanged logits.
  private mutating func logprob(of id: TokenID, _ logits: Span<Float>) -> Float {
    copy(logits)
    let (largest, logTotal) = normalization()
    return self.logits[Int(id)] - largest - logTotal
  }

  /// The largest of the logits taken over, and the logarithm of what all of them weigh next to it.
  private mutating func normalization() -> (largest: Float, logTotal: Float) {
    // Taken out meanwhile: the call reads them and changes the rest.
    let finite = logits
    logits = []
    defer { logits = finite }
    let largest = finite.max() ?? 0
    VectorKernels.exponentials(of: finite.span, maximum: largest, factor: 1, into: &weights)
    return (largest, Float(log(weights.reduce(0.0) { $0 + Double($1) })))
  }
}

extension SamplingParameters {
  /// Whether bias or penalties change logits.
  fileprivate var changesLogits: Bool { !logitBias.isEmpty || penalties != Penalties() }
}
