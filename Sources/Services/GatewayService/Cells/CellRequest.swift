package import MeshTypes

/// What of a request matters for choosing its cell.
package struct CellRequest: Sendable {
  /// Tokens that one key of a prefix stands for; shorter prefixes are nobody's.
  package static let tokensPerKey = 64

  /// The model's name.
  package var model: String
  /// Prompt, and tokens received so far.
  package var promptTokenCount: Int
  /// The most tokens to come; nil if only the context limits them.
  package var maxTokens: Int?
  /// One for each whole block of the prompt, each standing for all tokens up to there, under the
  /// tenant's salt. They mean something in this process alone.
  package var prefixKeys: [Int]

  /// Creates a request.
  ///
  /// - Complexity: O(prompt).
  package init(model: String, promptTokenIDs: [TokenID], cacheSalt: [UInt8], maxTokens: Int?) {
    self.model = model
    self.promptTokenCount = promptTokenIDs.count
    self.maxTokens = maxTokens
    prefixKeys = []
    prefixKeys.reserveCapacity(promptTokenIDs.count / Self.tokensPerKey)
    var hasher = Hasher()
    hasher.combine(cacheSalt)
    for (place, tokenID) in promptTokenIDs.enumerated() {
      hasher.combine(tokenID)
      guard (place + 1) % Self.tokensPerKey == 0 else { continue }
      // A hasher is a value: its copy ends here, and it goes on.
      prefixKeys.append(hasher.finalize())
    }
  }
}
