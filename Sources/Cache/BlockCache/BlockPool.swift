package import MeshTypes

/// The blocks of one worker's KV memory: who references them, which are free, and which full ones
/// can be found again by their content.
///
/// A block is *free* when nobody references it. A free block that has a key is still found by
/// ``lookup(_:)`` and comes back to life by ``retain(_:)``; it loses its key when ``allocate()``
/// hands it out for new content. Free blocks are handed out in this order: those without a key,
/// then those with one, the longest freed first.
package struct BlockPool: Sendable {
  /// One block. The free list runs through `previous` and `next`: indices into the records.
  struct Record: Sendable {
    var references = 0
    var previous = 0
    var next = 0
    var key: BlockKey?
  }

  /// `records[blockCount]` stands for both ends of the circular free list.
  var records: [Record]
  var index: [BlockKey: BlockID]

  /// The number of blocks.
  package let blockCount: Int
  /// The number of blocks that nobody references.
  package internal(set) var freeCount: Int
  /// The number of keys dropped because their block was needed for new content.
  package private(set) var evictionCount = 0

  /// Creates a pool whose blocks are all free and without keys.
  ///
  /// - Parameter blockCount: At least 0 and below 2³².
  package init(blockCount: Int) {
    precondition(blockCount >= 0 && blockCount < Int(UInt32.max), "block ids are 32 bits")
    self.blockCount = blockCount
    self.freeCount = 0
    self.records = Array(repeating: Record(), count: blockCount + 1)
    self.index = [:]
    self.index.reserveCapacity(blockCount)
    records[sentinel].previous = sentinel
    records[sentinel].next = sentinel
    for block in 0..<blockCount { linkFree(block, before: sentinel) }
  }

  /// The number of blocks that ``lookup(_:)`` can find.
  package var cachedCount: Int { index.count }

  /// How many block tables hold the block; 0 means free.
  package func referenceCount(of block: BlockID) -> Int {
    records[Int(block.rawValue)].references
  }

  /// The key under which the block is found, if it is.
  package func key(of block: BlockID) -> BlockKey? { records[Int(block.rawValue)].key }

  // MARK: Allocation

  /// Takes a free block for new content, with one reference; it loses its key.
  ///
  /// - Returns: nil when no block is free.
  /// - Complexity: O(1).
  package mutating func allocate() -> BlockID? {
    let block = records[sentinel].next
    guard block != sentinel else { return nil }
    unlinkFree(block)
    if let key = records[block].key {
      index[key] = nil
      records[block].key = nil
      evictionCount += 1
    }
    records[block].references = 1
    return BlockID(UInt32(block))
  }

  /// Adds a reference; a free block leaves the free list and keeps its key and content.
  ///
  /// - Complexity: O(1).
  package mutating func retain(_ block: BlockID) {
    let block = Int(block.rawValue)
    precondition(block < blockCount, "no such block")
    if records[block].references == 0 { unlinkFree(block) }
    records[block].references += 1
  }

  /// Drops a reference; the last one frees the block.
  ///
  /// - Complexity: O(1).
  package mutating func release(_ block: BlockID) {
    let block = Int(block.rawValue)
    precondition(records[block].references > 0, "the block is free already")
    records[block].references -= 1
    guard records[block].references == 0 else { return }
    // Content that nobody can find is worth nothing: it goes first.
    linkFree(block, before: records[block].key == nil ? records[sentinel].next : sentinel)
  }

  /// Drops a reference to every block of a table, last block first: a prefix is worth more than
  /// what follows it, so tails are evicted first.
  package mutating func release(table: [BlockID]) {
    for block in table.reversed() { release(block) }
  }

  // MARK: The prefix index

  /// The block that holds the content of `key`, referenced or free.
  package func lookup(_ key: BlockKey) -> BlockID? { index[key] }

  /// Makes a full block findable. Its content must have been written completely, and must not
  /// change until the block is free and allocated again.
  ///
  /// - Parameter block: Referenced, and without a key or with this one.
  /// - Returns: false when another block has the key already: that one stays in the index, and
  ///   this one goes first when it is freed.
  @discardableResult
  package mutating func publish(_ block: BlockID, as key: BlockKey) -> Bool {
    let record = Int(block.rawValue)
    precondition(records[record].references > 0, "a free block cannot be published")
    if let present = index[key] { return present == block }
    precondition(records[record].key == nil, "a full block does not change")
    records[record].key = key
    index[key] = block
    return true
  }

  /// The longest prefix of a sequence whose blocks are here.
  ///
  /// - Parameter keys: The keys of the sequence's blocks, from the first on.
  /// - Returns: The number of leading keys found, and how many of their blocks are free now.
  /// - Complexity: O(blocks found).
  package func longestPrefix(of keys: some Sequence<BlockKey>) -> PrefixMatch {
    var match = PrefixMatch()
    for key in keys {
      guard let block = index[key] else { break }
      match.blockCount += 1
      if records[Int(block.rawValue)].references == 0 { match.freeBlockCount += 1 }
    }
    return match
  }

  /// What ``longestPrefix(of:)`` found.
  package struct PrefixMatch: Hashable, Sendable {
    /// The number of leading blocks found.
    package var blockCount = 0
    /// How many of them are free, so that retaining them takes free blocks away.
    package var freeBlockCount = 0

    /// Nothing found.
    package init() {}
  }
}
