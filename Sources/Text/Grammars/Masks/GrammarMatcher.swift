package import MeshTypes

/// Where a text is in its grammar: a value that follows one sequence's tokens.
package struct GrammarMatcher: Sendable {
  fileprivate var set: ConfigurationTable.SetID
  fileprivate var generation: Int
  /// What has been read, to find the place again after the masks were forgotten.
  fileprivate var bytes: [UInt8] = []
  /// Whether a token that ends the generation has been read. Nothing but such may follow.
  package fileprivate(set) var hasEnded = false
}

/// A grammar's token masks for one vocabulary, and what was found out about them so far.
///
/// What it answers depends on the grammar, the vocabulary and the tokens read alone. To be used by one
/// thread at a time; any number of sequences share it.
package struct GrammarMasks: Sendable {
  private let tree: TokenTree
  private let grammar: Grammar
  private let endMask: TokenMask
  private var cache: MaskCache

  /// - Parameter cacheBytes: The memory to take, about, for what was found out.
  package init(_ grammar: Grammar, tokens tree: TokenTree, cacheBytes: Int = 32 << 20) {
    self.tree = tree
    self.grammar = grammar
    var endMask = TokenMask(vocabularySize: tree.vocabularySize)
    for id in tree.endTokenIDs { endMask.insert(id) }
    self.endMask = endMask
    cache = MaskCache(grammar, tree, byteLimit: cacheBytes)
  }

  /// The memory taken, about.
  package var byteCount: Int { cache.byteCount }

  /// A matcher before the first token.
  package func start() -> GrammarMatcher {
    GrammarMatcher(set: cache.table.start, generation: cache.generation)
  }

  /// The tokens that may come next. Those that end the generation are among them exactly where the
  /// text may end; control tokens never are.
  ///
  /// - Throws: `MeshError` `failedPrecondition` if there are none: the vocabulary cannot write
  ///   what the grammar asks for; `resourceExhausted` if they take too much work to find.
  package mutating func mask(for matcher: inout GrammarMatcher) throws(MeshError) -> TokenMask {
    if matcher.hasEnded { return endMask }
    restore(&matcher)
    let mask = try cache.mask(of: matcher.set)
    guard mask.words.contains(where: { $0 != 0 }) else {
      throw MeshError(
        .failedPrecondition,
        "\(grammar.field): after \(matcher.bytes.count) bytes no token leads on",
        field: grammar.field
      )
    }
    return mask
  }

  /// Reads a token.
  ///
  /// - Returns: Whether the grammar allows it here; the matcher is unchanged if not.
  package mutating func accept(_ id: TokenID, _ matcher: inout GrammarMatcher) -> Bool {
    guard Int(id) < tree.vocabularySize else { return false }
    if tree.endTokenIDs.contains(id) {
      guard matcher.hasEnded || mayEnd(&matcher) else { return false }
      matcher.hasEnded = true
      return true
    }
    let token = tree.bytes(of: id)
    guard !matcher.hasEnded, !token.isEmpty else { return false }
    restore(&matcher)
    cache.beginWork()
    let next = advance(matcher.set, by: token)
    guard next != ConfigurationTable.dead else { return false }
    matcher.set = next
    matcher.bytes += token
    return true
  }

  /// Whether the text may end here.
  package mutating func mayEnd(_ matcher: inout GrammarMatcher) -> Bool {
    restore(&matcher)
    return cache.table.hasExit(matcher.set)
  }

  private mutating func advance(
    _ set: ConfigurationTable.SetID,
    by bytes: some Sequence<UInt8>
  ) -> ConfigurationTable.SetID {
    var set = set
    for byte in bytes { set = cache.next(set, byte) }
    return set
  }

  /// Makes room if there is none, and finds the matcher's place again if it was forgotten.
  private mutating func restore(_ matcher: inout GrammarMatcher) {
    cache.forgetIfFull()
    guard matcher.generation != cache.generation else { return }
    cache.beginWork()
    matcher.set = advance(cache.table.start, by: matcher.bytes)
    matcher.generation = cache.generation
  }
}

extension Grammar {
  /// Whether a whole text is one of the grammar's.
  package func accepts(_ text: [UInt8]) -> Bool {
    var table = ConfigurationTable(self)
    var set = table.start
    for byte in text {
      set = table.next(set, byte)
      guard set != ConfigurationTable.dead else { return false }
    }
    return table.hasExit(set)
  }
}
