import BlockCache
import MeshTypes
import SegmentStore
import TieredStore

/// What concerns no bytes.
extension BlockStore {
  /// Keys worked on before others get their turn.
  private static let keysAtOnce = 1024

  /// Notes a use of every one of `keys` that is here.
  ///
  /// - Returns: How many are here.
  func touch(_ keys: [BlockKey], in namespace: StoreNamespace) async -> Int {
    await sum(over: keys) { keys in
      let id = self.namespaceID(of: namespace)
      let inMemory = id.flatMap { id in
        try? self.memory.withTier { (tier) throws(MeshError) -> [Bool] in
          _ = try tier.touch(keys, in: id)
          return try tier.byteCounts(of: keys, in: id).map { $0 != nil }
        }
      }
      return keys.enumerated().reduce(0) { count, entry in
        let diskKey = namespace.diskKey(entry.element)
        let isOnDisk = self.disk?.contains(diskKey) ?? false
        if isOnDisk { self.disk?.segments.touch(diskKey) }
        return count + (isOnDisk || inMemory?[entry.offset] == true ? 1 : 0)
      }
    }
  }

  /// Forgets blocks.
  ///
  /// - Returns: How many were here.
  func remove(_ keys: [BlockKey], in namespace: StoreNamespace) async -> Int {
    await sum(over: keys) { keys in
      let id = self.namespaceID(of: namespace)
      let count = keys.reduce(0) { count, key in
        let wasInMemory =
          id.flatMap { id in self.memory.withTier { $0.remove(id, key) } } != nil
        let wasOnDisk = self.disk?.remove(namespace.diskKey(key)) ?? false
        return count + (wasInMemory || wasOnDisk ? 1 : 0)
      }
      if count > 0 { self.evictions.notify() }
      return count
    }
  }

  private func sum(
    over keys: [BlockKey],
    _ count: (ArraySlice<BlockKey>) -> Int
  ) async -> Int {
    var sum = 0
    for start in stride(from: 0, to: keys.count, by: Self.keysAtOnce) {
      if start > 0 { await Task.yield() }
      sum += count(keys[start..<min(start + Self.keysAtOnce, keys.count)])
    }
    return sum
  }

  /// Sets a namespace's quota.
  ///
  /// - Throws: ``MeshError`` `resourceExhausted` when there are too many namespaces.
  func setQuota(of namespace: StoreNamespace, toBytes quotaBytes: Int) throws(MeshError) {
    let id = try openNamespace(namespace)
    try memory.withTier { (tier) throws(MeshError) in
      var gone: [Eviction] = []
      try tier.setQuota(of: id, toBytes: quotaBytes, evictions: &gone)
    }
    evictions.notify()
  }

  // MARK: Evictions

  /// The sequence number of the latest eviction.
  var lastEviction: UInt64 { memory.withTier { $0.evictionLog.lastSequence } }

  /// The evictions that follow a sequence number.
  func evictions(after sequence: UInt64, limit: Int) -> EvictionLog.Page {
    memory.withTier { $0.evictionLog.evictions(after: sequence, limit: limit) }
  }

  /// The name of a namespace.
  func name(of namespace: NamespaceID) -> String {
    memory.withTier { $0.name(of: namespace) }
  }
}
