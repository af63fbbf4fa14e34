import BlockCache
import Synchronization
import TieredStore

/// Blocks that wait to be written to disk, within a number of bytes. They are held in memory until
/// then, and can be found here.
final class WriteQueue: Sendable {
  fileprivate struct State {
    /// In order from `first` on; entries whose block is not the one in `blocks` were removed.
    var order: [(key: BlockKey, block: HeldBlock?)] = []
    var first = 0
    var blocks: [BlockKey: HeldBlock] = [:]
    var byteCount = 0
    var droppedCount: UInt64 = 0
  }

  /// The most payload bytes that wait.
  let limitBytes: Int
  /// Has an element when there may be blocks to write; ends when the queue is closed.
  let signals: AsyncStream<Void>
  private let wakeUp: AsyncStream<Void>.Continuation
  private let state = Mutex(State())

  init(limitBytes: Int) {
    self.limitBytes = limitBytes
    (signals, wakeUp) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
  }

  /// Payload bytes that wait.
  var byteCount: Int { state.withLock { $0.byteCount } }
  /// Payload bytes that can be added now.
  var freeBytes: Int { max(0, limitBytes - byteCount) }
  /// Blocks that found no place.
  var droppedCount: UInt64 { state.withLock { $0.droppedCount } }

  /// The block that waits under a key.
  func block(of diskKey: BlockKey) -> HeldBlock? { state.withLock { $0.blocks[diskKey] } }

  /// Adds a block, unless one waits under its key already; counts it as dropped if there is no
  /// place.
  func append(_ block: HeldBlock, as diskKey: BlockKey) {
    state.withLock { state in
      guard state.blocks[diskKey] == nil else { return }
      guard state.byteCount + block.byteCount <= limitBytes else {
        state.droppedCount += 1
        return
      }
      state.blocks[diskKey] = block
      state.order.append((diskKey, block))
      state.byteCount += block.byteCount
    }
    wakeUp.yield()
  }

  /// The next block to write, which stays here until ``finish(_:_:)``; for one writer.
  func next() -> (key: BlockKey, block: HeldBlock)? {
    state.withLock { state in
      while state.first < state.order.count {
        let (key, block) = state.order[state.first]
        if let block, state.blocks[key] === block { return (key, block) }
        state.dropFirst()
      }
      return nil
    }
  }

  /// Takes the block from ``next()`` out: it has been written, or could not be.
  ///
  /// - Returns: false if it was removed meanwhile.
  func finish(_ diskKey: BlockKey, _ block: HeldBlock) -> Bool {
    state.withLock { state in
      state.dropFirst()
      guard state.blocks[diskKey] === block else { return false }
      state.blocks[diskKey] = nil
      return true
    }
  }

  /// Takes a block out that need not be written any more.
  ///
  /// - Returns: Whether it waited.
  func remove(_ diskKey: BlockKey) -> Bool {
    state.withLock { $0.blocks.removeValue(forKey: diskKey) != nil }
  }

  /// Ends ``signals``.
  func close() { wakeUp.finish() }
}

extension WriteQueue.State {
  fileprivate mutating func dropFirst() {
    byteCount -= order[first].block?.byteCount ?? 0
    order[first].block = nil
    first += 1
    guard first > 32, first > order.count / 2 else { return }
    order.removeFirst(first)
    first = 0
  }
}
