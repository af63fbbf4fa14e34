package import BlockCache
package import MeshTypes

/// A question to the KV store: how much of a sequence has it?
package struct StoreQuery: Hashable, Sendable {
  /// The sequence.
  package var sequence: SequenceID
  /// Tells this question from earlier ones about the same sequence.
  package var ticket: UInt64
  /// The tenant's namespace.
  package var namespace: String
  /// The keys of the sequence's full blocks that could be fetched, from the first on.
  package var keys: [BlockKey]
}

/// The store's answer.
package struct StoreAnswer: Hashable, Sendable {
  /// As in the query.
  package var sequence: SequenceID
  /// As in the query.
  package var ticket: UInt64
  /// What it has; nil if it did not answer in time.
  package var prefix: StoredPrefix?

  /// Creates an answer to `query`.
  package init(to query: StoreQuery, _ prefix: StoredPrefix?) {
    self.sequence = query.sequence
    self.ticket = query.ticket
    self.prefix = prefix
  }
}

/// What is known of a sequence's blocks in the KV store.
enum StoreKnowledge: Hashable, Sendable {
  /// Nothing, and nobody was asked.
  case unknown
  /// The question is on its way.
  case asked(ticket: UInt64)
  /// What the store said, for blocks of this root, when so many steps had been completed.
  case known(StoredPrefix, root: BlockKey, step: UInt64)

  /// The blocks known to be there, of sequences with this root.
  func prefix(under root: BlockKey) -> StoredPrefix {
    if case .known(let prefix, root, _) = self { return prefix }
    return StoredPrefix()
  }
}
