import BlockCache
import KVStoreWire
import MeshProtos

/// Reads blocks in the order of their keys, some ahead of the reader where they are on disk.
struct BlockReader: Sendable {
  /// Blocks read from disk ahead of the reader. They are in memory and cannot be evicted until he
  /// has taken them: a reader who does not read keeps so many.
  private static let readAhead = 4

  let store: BlockStore
  let namespace: StoreNamespace
  let keys: [BlockKey]
  let skipsMissing: Bool

  /// Gives every block to `send`, one after the other.
  ///
  /// - Throws: What `send` throws.
  func run(_ send: (_ index: Int, FoundBlock) async throws -> Void) async throws {
    if store.disk == nil {
      try await runInMemory(send)
    } else {
      try await runReadingAhead(send)
    }
  }

  private func runInMemory(
    _ send: (_ index: Int, FoundBlock) async throws -> Void
  ) async throws {
    for (index, key) in keys.enumerated() {
      let start = ContinuousClock.now
      let block = store.blockInMemory(key, in: namespace)
      guard try await pass(block, index, start, send) else { return }
    }
  }

  private func runReadingAhead(
    _ send: (_ index: Int, FoundBlock) async throws -> Void
  ) async throws {
    try await withThrowingTaskGroup(of: (Int, FoundBlock?).self) { group in
      var next = 0
      var begun: Set<Int> = []
      var finished: [Int: FoundBlock] = [:]
      for (index, key) in keys.enumerated() {
        while next < min(index + Self.readAhead, keys.count) {
          let ahead = next
          next += 1
          guard store.isOnlyOnDisk(keys[ahead], in: namespace) else { continue }
          begun.insert(ahead)
          group.addTask { (ahead, await store.block(keys[ahead], in: namespace)) }
        }
        let start = ContinuousClock.now
        var block: FoundBlock?
        if begun.contains(index) {
          while begun.contains(index), let (other, found) = try await group.next() {
            begun.remove(other)
            finished[other] = found
          }
          block = finished.removeValue(forKey: index)
        } else if let done = finished.removeValue(forKey: index) {
          block = done
        } else {
          block = await store.block(key, in: namespace)
        }
        guard try await pass(block, index, start, send) else { return }
      }
    }
  }

  /// - Returns: Whether to go on.
  private func pass(
    _ block: FoundBlock?,
    _ index: Int,
    _ start: ContinuousClock.Instant,
    _ send: (_ index: Int, FoundBlock) async throws -> Void
  ) async throws -> Bool {
    guard let block else {
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
