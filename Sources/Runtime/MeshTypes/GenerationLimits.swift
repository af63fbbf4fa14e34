/// When a sequence ends, whatever it says.
public struct GenerationLimits: Hashable, Sendable {
  /// The most tokens to produce; at least 1.
  public var maxTokens: Int
  /// Token ids that end the sequence with ``FinishReason/stop``. The stop token itself is part of
  /// the reported ids, not of the text.
  public var stopTokenIDs: Set<TokenID>

  /// Creates limits.
  public init(maxTokens: Int, stopTokenIDs: Set<TokenID> = []) {
    self.maxTokens = maxTokens
    self.stopTokenIDs = stopTokenIDs
  }
}
