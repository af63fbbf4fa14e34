package import MeshTypes

/// A prompt as pieces of text, each known by a number: equal pieces at equal places are equal tokens.
package struct SimulatedPrompt: Hashable, Sendable {
  /// A piece of text.
  package struct Passage: Hashable, Sendable {
    /// Which text.
    package var text: UInt64
    /// Its length.
    package var tokenCount: Int

    /// A piece of text.
    package init(text: UInt64, tokenCount: Int) {
      self.text = text
      self.tokenCount = tokenCount
    }
  }

  /// In order.
  package var passages: [Passage]

  /// Creates a prompt.
  package init(_ passages: [Passage]) { self.passages = passages }

  /// Its length.
  package var tokenCount: Int { passages.reduce(0) { $0 + $1.tokenCount } }

  /// Its tokens; no stop token is among them.
  package var tokenIDs: [TokenID] {
    var tokens: [TokenID] = []
    tokens.reserveCapacity(tokenCount)
    for passage in passages {
      for place in 0..<passage.tokenCount {
        let spread = SplitMix64.mix(passage.text &* 1_000_003 &+ UInt64(place))
        tokens.append(1 + TokenID(spread % UInt64(SimulatedModel.vocabularySize - 1)))
      }
    }
    return tokens
  }
}

/// What one client asks for, and when.
package struct SimulatedRequest: Hashable, Sendable {
  /// When it comes to the gateway.
  package var arrivalMicroseconds: Int
  /// What it asks.
  package var prompt: SimulatedPrompt
  /// The most tokens that it takes.
  package var maxTokens: Int
  /// After how many tokens the model would end it.
  package var naturalTokens: Int
  /// Blocks are shared only within a tenant.
  package var tenant = 0
  /// The higher goes first.
  package var priority = 0
  /// How long the client waits for the end.
  package var timeoutMicroseconds = 600_000_000
  /// When the client loses interest, counted from the arrival.
  package var cancelMicroseconds: Int?
  /// What happens at its last token.
  package var flaw = RequestFlaw.none

  /// Creates a request.
  package init(
    arrivalMicroseconds: Int,
    prompt: SimulatedPrompt,
    maxTokens: Int,
    naturalTokens: Int? = nil
  ) {
    self.arrivalMicroseconds = arrivalMicroseconds
    self.prompt = prompt
    self.maxTokens = maxTokens
    self.naturalTokens = naturalTokens ?? maxTokens
  }

  /// How many tokens an undisturbed run gives.
  package var outputTokens: Int { min(maxTokens, naturalTokens) }
}
