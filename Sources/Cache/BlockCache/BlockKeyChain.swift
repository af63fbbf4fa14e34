package import MeshTypes

/// The keys of one sequence's full blocks, computed once and extended as the sequence grows.
package struct BlockKeyChain: Sendable {
  /// The key before the first block.
  package let root: BlockKey
  /// Tokens in a block; at least 1.
  package let blockSizeTokens: Int
  /// `keys[i]` is the key of the sequence's logical block `i`.
  package private(set) var keys: [BlockKey] = []

  /// Creates the chain of a sequence of which nothing is known yet.
  package init(root: BlockKey, blockSizeTokens: Int) {
    precondition(blockSizeTokens > 0, "a block holds at least one token")
    self.root = root
    self.blockSizeTokens = blockSizeTokens
  }

  /// Adds the keys of the full blocks that `tokenIDs` has beyond those known already.
  ///
  /// - Parameter tokenIDs: All tokens of the sequence from its beginning; the part that has keys
  ///   already must not have changed.
  /// - Complexity: O(new blocks × block size).
  package mutating func extend(over tokenIDs: [TokenID]) {
    let fullBlocks = tokenIDs.count / blockSizeTokens
    while keys.count < fullBlocks {
      let start = keys.count * blockSizeTokens
      let parent = keys.last ?? root
      keys.append(parent.child(of: tokenIDs[start..<start + blockSizeTokens]))
    }
  }
}
