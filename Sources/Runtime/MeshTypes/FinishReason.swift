/// Why a stream of tokens ended.
public enum FinishReason: String, Hashable, Sendable, CaseIterable {
  /// The model ended it (end of text or a stop token), or a stop string appeared.
  case stop
  /// `max_tokens` tokens were produced.
  case length
  /// The client took it back.
  case cancelled
}
