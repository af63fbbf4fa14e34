import BlockCache

/// Begins to read the blocks of one list of keys from disk before their reader comes to them.
///
/// What is read ahead takes of the readers' budget only what is left beyond half of it: a reader who
/// does not read keeps little from the others.
struct ReadAhead {
  /// A run that is being read.
  private struct Coming {
    /// The places of its keys that the reader has not come to.
    var indices: ArraySlice<Int>
    var blocks: AsyncStream<FoundBlock?>.Iterator
  }

  /// Keys looked at before the reader comes to them.
  private static let mostKeys = 64

  private let store: BlockStore
  private let disk: DiskTier
  private let namespace: StoreNamespace
  private let keys: [BlockKey]
  /// The first key that was not looked at.
  private var next = 0
  private var coming: [Coming] = []

  init(_ store: BlockStore, _ disk: DiskTier, _ namespace: StoreNamespace, _ keys: [BlockKey]) {
    self.store = store
    self.disk = disk
    self.namespace = namespace
    self.keys = keys
  }

  /// Puts the next run together, for the reader who comes to key `index`.
  ///
  /// - Returns: What is to be read now, and where to; nil if that is nothing.
  mutating func nextRun(at index: Int) async -> (run: DiskRun, blocks: DiskReader.Blocks)? {
    guard coming.count < disk.runsAhead else { return nil }
    next = max(next, index)
    let first = next
    var run = DiskRun(in: namespace)
    var indices: [Int] = []
    while next < min(index + Self.mostKeys, keys.count), run.blocks.count < disk.blocksInRun {
      if let byteCount = store.bytesToRead(of: keys[next], in: namespace) {
        guard let share = await share(byteCount, isNeededNow: next == index) else { break }
        run.append(keys[next], byteCount: byteCount, share: share)
        indices.append(next)
      }
      next += 1
    }
    guard !indices.isEmpty, next > first else { return nil }
    let (stream, blocks) = AsyncStream.makeStream(of: FoundBlock?.self)
    coming.append(Coming(indices: indices[...], blocks: stream.makeAsyncIterator()))
    return (run, blocks)
  }

  /// Who waits for a share must not hold any that he has not sent.
  private func share(_ byteCount: Int, isNeededNow: Bool) async -> ByteBudget.Share? {
    let budget = store.readBudget
    if isNeededNow { return await budget.take(byteCount) }
    return budget.takeAtOnce(byteCount, leaving: budget.limitBytes / 2)
  }

  /// Whether the block of a key is on its way.
  func isComing(_ index: Int) -> Bool { coming.first?.indices.first == index }

  /// Waits for the block of the next key that is on its way.
  ///
  /// - Returns: nil if it is not there any more, or damaged.
  mutating func nextBlock() async -> FoundBlock? {
    guard var first = coming.first else { return nil }
    let block = await first.blocks.next(isolation: #isolation) ?? nil
    first.indices.removeFirst()
    if first.indices.isEmpty {
      coming.removeFirst()
    } else {
      coming[0] = first
    }
    return block
  }
}
