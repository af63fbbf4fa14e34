/// Requests made up by chance: lengths that vary, and prefixes that some share.
package struct Workload: Hashable, Sendable {
  /// How many.
  package var requestCount = 1000
  /// When they come.
  package var arrivals = ArrivalProcess.poisson(perSecond: 4)
  /// Tokens of a prompt that no other has, on average; exponentially distributed.
  package var meanPromptTokens = 200
  /// Tokens of an answer as the model ends it, on average; exponentially distributed.
  package var meanOutputTokens = 64
  /// The most tokens that a client takes.
  package var maxTokens = 512
  /// Tokens that begin every prompt of a group.
  package var sharedPrefixTokens = 0
  /// How many such groups there are.
  package var prefixGroups = 1
  /// How many tenants there are; requests are spread over them.
  package var tenants = 1
  /// The longest prompt.
  package var maxPromptTokens = 4096

  /// A thousand requests like a chat's.
  package init() {}

  /// The requests, in the order of their arrival.
  package func requests(seed: UInt64) -> [SimulatedRequest] {
    var generator = SimulationGenerator(seed: seed)
    let times = arrivals.times(requestCount, using: &generator)
    return times.enumerated().map { number, time in
      var passages: [SimulatedPrompt.Passage] = []
      if sharedPrefixTokens > 0 {
        let group = Int.random(in: 0..<max(1, prefixGroups), using: &generator)
        passages.append(.init(text: UInt64(group), tokenCount: sharedPrefixTokens))
      }
      let own = 1 + Int(generator.exponential(mean: Double(max(1, meanPromptTokens))))
      let length = min(own, max(1, maxPromptTokens - sharedPrefixTokens))
      passages.append(.init(text: 1 << 32 + UInt64(number), tokenCount: length))
      var request = SimulatedRequest(
        arrivalMicroseconds: time,
        prompt: SimulatedPrompt(passages),
        maxTokens: maxTokens,
        naturalTokens: 1 + Int(generator.exponential(mean: Double(max(1, meanOutputTokens))))
      )
      request.tenant = Int.random(in: 0..<max(1, tenants), using: &generator)
      request.timeoutMicroseconds = 3_600_000_000
      return request
    }
  }
}
