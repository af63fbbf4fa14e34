import BlockCache
import KVStoreWire
import MeshProtos

/// Reads blocks in the order of their keys, some ahead of the reader where they are on disk.
///
/// A block stays in memory from when it is read until it was sent, and cannot be evicted: all
/// readers together hold so many bytes at most, and wait where there are more.
struct BlockReader: Sendable {
  let store: BlockStore
  let namespace: StoreNamespace
  let keys: [BlockKey]
  let skipsMissing: Bool

  /// Gives every block to `send`, one after the other.
  ///
  /// - Throws: What `send` throws; `CancellationError`.
  func run(_ send: (_ index: Int, FoundBlock) async throws -> Void) async throws {
    if let disk = store.disk {
      try await runReadingAhead(from: disk, send)
    } else {
      for index in keys.indices {
        let start = ContinuousClock.now
        let block = try await block(at: index)
        guard try await pass(block, index, start, send) else { return }
      }
    }
  }

  private func runReadingAhead(
    from disk: DiskTier,
    _ send: (_ index: Int, FoundBlock) async throws -> Void
  ) async throws {
    let wanted = keys.filter { disk.contains(namespace.diskKey($0)) }.map { namespace.diskKey($0) }
    disk.wanted.add(wanted)
    defer { disk.wanted.remove(wanted) }
    try await withThrowingDiscardingTaskGroup { group in
      defer { group.cancelAll() }
      var ahead = ReadAhead(store, disk, namespace, keys)
      for index in keys.indices {
        while let (run, blocks) = await ahead.nextRun(at: index) {
          group.addTask { await disk.load(run, to: store, blocks) }
        }
        let start = ContinuousClock.now
        let block =
          ahead.isComing(index) ? await ahead.nextBlock() : try await block(at: index)
        guard try await pass(block, index, start, send) else { return }
      }
    }
  }

  /// A block from wherever it is now.
  private func block(at index: Int) async throws -> FoundBlock? {
    guard let byteCount = store.byteCount(of: keys[index], in: namespace) else { return nil }
    guard let share = await store.readBudget.take(byteCount) else { throw CancellationError() }
    return await store.block(keys[index], in: namespace, share: share)
  }

  /// - Returns: Whether to go on.
  private func pass(
    _ block: FoundBlock?,
    _ index: Int,
    _ start: ContinuousClock.Instant,
    _ send: (_ index: Int, FoundBlock) async throws -> Void
  ) async throws -> Bool {
    guard let block else {
      try Task.checkCancellation()
      store.counters.countMiss()
      return skipsMissing
    }
    let byteCount = block.payload.byteCount
    try await store.memoryThrottle?.wait(byteCount: byteCount)
    try await send(index, block)
    store.counters.countRead(byteCount: byteCount, from: block.tier)
    if block.tier == .dram {
      store.memorySpeed.note(byteCount: byteCount, from: start, to: .now)
    }
    return true
  }
}
