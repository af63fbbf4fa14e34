import BlockCache
import MeshProtos
import SegmentStore
import TieredStore

/// How much of a list of keys is here.
extension BlockStore {
  /// Consecutive blocks in one tier.
  struct Stretch: Equatable {
    var tier: Weft_Kvstore_V1_Tier
    var blockCount = 0
    var byteCount = 0
  }

  /// Keys looked at before others get their turn.
  private static let keysAtOnce = 1024

  /// The longest prefix of `keys` that is here, in stretches. Counts as no use.
  func longestPrefix(of keys: [BlockKey], in namespace: StoreNamespace) async -> [Stretch] {
    var stretches: [Stretch] = []
    for start in stride(from: 0, to: keys.count, by: Self.keysAtOnce) {
      if start > 0 { await Task.yield() }
      let some = keys[start..<min(start + Self.keysAtOnce, keys.count)]
      guard extend(&stretches, over: some, in: namespace) else { break }
    }
    return stretches
  }

  /// - Returns: Whether all of `keys` are here.
  private func extend(
    _ stretches: inout [Stretch],
    over keys: ArraySlice<BlockKey>,
    in namespace: StoreNamespace
  ) -> Bool {
    let id = namespaceID(of: namespace)
    let sizes = id.flatMap { id in
      try? memory.withTier { try $0.byteCounts(of: keys, in: id) }
    }
    for (offset, key) in keys.enumerated() {
      guard let (tier, byteCount) = place(of: key, sizes?[offset], in: namespace) else {
        return false
      }
      if stretches.last?.tier != tier { stretches.append(Stretch(tier: tier)) }
      stretches[stretches.count - 1].blockCount += 1
      stretches[stretches.count - 1].byteCount += byteCount
    }
    return true
  }

  private func place(
    of key: BlockKey,
    _ bytesInMemory: Int?,
    in namespace: StoreNamespace
  ) -> (Weft_Kvstore_V1_Tier, Int)? {
    if let bytesInMemory { return (.dram, bytesInMemory) }
    guard let disk else { return nil }
    let diskKey = namespace.diskKey(key)
    if let waiting = disk.queue.block(of: diskKey) { return (.dram, waiting.byteCount) }
    return disk.segments.payloadBytes(of: diskKey).map { (.ssd, $0) }
  }

  /// How long reading a stretch would take now.
  func estimatedMicroseconds(of stretch: Stretch) -> UInt64 {
    let transfer = memorySpeed.microseconds(byteCount: stretch.byteCount)
    guard stretch.tier == .ssd, let disk else { return transfer }
    return max(transfer, disk.estimatedMicroseconds(byteCount: stretch.byteCount))
  }
}
