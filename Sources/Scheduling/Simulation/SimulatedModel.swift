package import MeshTypes

/// A stand-in for a language model: the next token is a hash of all tokens before it, of the seed and
/// of nothing else. Each position has a *state*, the hash of all tokens up to it: it is what a slot of
/// KV memory contains.
package enum SimulatedModel {
  /// Token ids are below this.
  package static let vocabularySize = 50_000
  /// Ends every sequence.
  package static let stopToken: TokenID = 0
  /// Before the first token.
  package static let initialState: UInt64 = 1

  /// The state after one more token.
  package static func advance(_ state: UInt64, by token: TokenID) -> UInt64 {
    SplitMix64.mix((state ^ UInt64(token)) &* SplitMix64.increment)
  }

  /// The token at position `position`.
  package static func token(
    at position: Int,
    after state: UInt64,
    _ seed: SimulatedSeed
  ) -> TokenID {
    guard position + 1 < seed.naturalLength else { return stopToken }
    let spread = SplitMix64.mix(state ^ seed.rawValue)
    return 1 + TokenID(spread % UInt64(vocabularySize - 1))
  }
}

/// What happens when a request is computed.
package enum RequestFlaw: UInt64, Hashable, Sendable, CaseIterable {
  case none
  /// It fails, and nobody else does.
  case fails
  /// The worker that computes its last token dies.
  case killsWorkers
}

/// The seed of a simulated request: its number, where the model ends it, and its flaw.
package struct SimulatedSeed: Hashable, Sendable {
  /// What goes over the wire.
  package let rawValue: UInt64

  /// The seed that went over the wire.
  package init(rawValue: UInt64) { self.rawValue = rawValue }

  /// Creates a seed.
  ///
  /// - Parameters:
  ///   - number: Tells requests with the same prompt apart; below 2²⁸.
  ///   - naturalLength: Prompt and output tokens after which the model ends it; below 2³².
  ///   - flaw: What happens at its last token.
  package init(number: Int, naturalLength: Int, flaw: RequestFlaw) {
    rawValue = UInt64(number) << 34 | flaw.rawValue << 32 | UInt64(naturalLength)
  }

  /// Prompt and output tokens after which the model ends it.
  package var naturalLength: Int { Int(rawValue & 0xFFFF_FFFF) }
  /// What happens at its last token.
  package var flaw: RequestFlaw { RequestFlaw(rawValue: rawValue >> 32 & 3) ?? .none }
}
