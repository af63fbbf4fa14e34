import MeshTypes

/// A deterministic stand-in for a language model: the next token is a hash of all tokens before.
enum FakeModel {
  static let vocabularySize = 61
  /// Sampled once in a while, so that sequences end by themselves.
  static let stopToken: TokenID = 7

  /// The state after one more token; what a KV slot "contains".
  static func advance(_ state: UInt64, by token: TokenID) -> UInt64 {
    var mixed = (state ^ UInt64(token)) &* 0x9E37_79B9_7F4A_7C15
    mixed = (mixed ^ (mixed >> 29)) &* 0xBF58_476D_1CE4_E5B9
    return mixed ^ (mixed >> 32)
  }

  static func state(after tokens: some Sequence<TokenID>) -> UInt64 {
    tokens.reduce(1) { advance($0, by: $1) }
  }

  static func nextToken(after state: UInt64, seed: UInt64) -> TokenID {
    TokenID(advance(state, by: TokenID(truncatingIfNeeded: seed)) % UInt64(vocabularySize))
  }

  /// What a sequence produces when it runs alone.
  static func output(of prompt: [TokenID], limits: GenerationLimits, seed: UInt64) -> [TokenID] {
    var state = state(after: prompt)
    var output: [TokenID] = []
    while output.count < limits.maxTokens {
      let token = nextToken(after: state, seed: seed)
      output.append(token)
      if limits.stopTokenIDs.contains(token) { break }
      state = advance(state, by: token)
    }
    return output
  }
}
