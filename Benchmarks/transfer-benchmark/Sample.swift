/// A prefix to fetch: how long it is, and which blocks it has.
struct Sample: Hashable, Sendable {
  let tokens: Int
  let series: UInt64

  var blocks: Int { tokens / WorkerLink.blockTokens }

  /// Those with which a worker finds the store.
  static let connecting = Sample(tokens: 64, series: 1)
  /// The longest prefix, of which memory's cases are parts.
  static let shared = Sample(tokens: 8192, series: 0)
}
