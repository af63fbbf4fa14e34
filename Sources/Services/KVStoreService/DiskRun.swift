import BlockCache

/// Blocks to be read from disk one after the other.
struct DiskRun: Sendable {
  struct Block: Sendable {
    let key: BlockKey
    let diskKey: BlockKey
    let byteCount: Int
    /// Of what readers may hold; nil for a block that its reader does not keep.
    let share: ByteBudget.Share?
  }

  let namespace: StoreNamespace
  private(set) var blocks: [Block] = []
  /// The sizes of the blocks, added up.
  private(set) var byteCount = 0

  init(in namespace: StoreNamespace) { self.namespace = namespace }

  mutating func append(_ key: BlockKey, byteCount: Int, share: ByteBudget.Share? = nil) {
    blocks.append(
      Block(key: key, diskKey: namespace.diskKey(key), byteCount: byteCount, share: share)
    )
    self.byteCount += byteCount
  }
}
