package import MeshTypes

/// The keys of one sequence's full blocks, computed once and extended as the sequence grows.
package struct BlockKeyChain: Sendable {
  /// The key before the first block.
  package let root: BlockKey
  /// Tokens in a block; at least 1.
  package let blockSizeTokens: Int
  /// `keys[i]` is the key of the sequence's logical block `i`.
  package private(set) var keys: [BlockKey] = []
  /// What ``tailKey(of:count:)`` gave last.
  private var tail: (count: Int, key: BlockKey)?

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

  /// The key before a block: that of the block before it, or the root.
  package func parent(ofBlock block: Int) -> BlockKey { block == 0 ? root : keys[block - 1] }

  /// The key of the tokens after the last full block among the first `count` of ``extend(over:)``. They
  /// are fewer than a block's, so it is no full block's key.
  ///
  /// - Returns: nil if there are none.
  /// - Complexity: O(block size), O(1) for the same `count` as last time.
  package mutating func tailKey(of tokenIDs: [TokenID], count: Int) -> BlockKey? {
    let start = count / blockSizeTokens * blockSizeTokens
    guard start < count else { return nil }
    if let tail, tail.count == count { return tail.key }
    let key = parent(ofBlock: count / blockSizeTokens).child(of: tokenIDs[start..<count])
    tail = (count, key)
    return key
  }
}
