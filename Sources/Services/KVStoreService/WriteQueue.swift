import BlockCache
import Synchronization
import TieredStore

/// Blocks that wait to be written to disk, within a number of bytes. They are held in memory until
/// then, and can be found here.
final class WriteQueue: Sendable {
  /// An entry in the order of writing.
  fileprivate struct Entry {
    var key: BlockKey
    var block: HeldBlock
    /// Its place.
    var share: ByteBudget.Share
  }

  fileprivate struct State {
    /// In order from `first` on, nil before; entries whose block is not the one in `blocks` were
    /// removed.
    var order: [Entry?] = []
    var first = 0
    var blocks: [BlockKey: HeldBlock] = [:]
    var droppedCount: UInt64 = 0
  }

  /// Has an element when there may be blocks to write; ends when the queue is closed.
  let signals: AsyncStream<Void>
  private let wakeUp: AsyncStream<Void>.Continuation
  private let budget: ByteBudget
  private let state = Mutex(State())

  /// Creates an empty queue.
  ///
  /// - Parameter limitBytes: The most payload bytes that wait.
  init(limitBytes: Int) {
    budget = ByteBudget(limitBytes: limitBytes)
    (signals, wakeUp) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
  }

  /// The most payload bytes that wait.
  var limitBytes: Int { budget.limitBytes }
  /// Payload bytes that wait.
  var byteCount: Int { budget.heldBytes }
  /// Payload bytes that can be added now.
  var freeBytes: Int { max(0, limitBytes - byteCount) }
  /// Blocks that found no place.
  var droppedCount: UInt64 { state.withLock { $0.droppedCount } }

  /// The block that waits under a key.
  func block(of diskKey: BlockKey) -> HeldBlock? { state.withLock { $0.blocks[diskKey] } }

  /// Adds a block, unless one waits under its key already; counts it as dropped if there is no
  /// place.
  func append(_ block: HeldBlock, as diskKey: BlockKey) {
    guard self.block(of: diskKey) == nil else { return }
    add(block, as: diskKey, budget.takeAtOnce(block.byteCount))
  }

  /// Adds a block when there is a place, unless one waits under its key already; counts it as
  /// dropped if the task is cancelled before.
  func appendWhenThereIsPlace(_ block: HeldBlock, as diskKey: BlockKey) async {
    guard self.block(of: diskKey) == nil else { return }
    add(block, as: diskKey, await budget.take(block.byteCount))
  }

  private func add(_ block: HeldBlock, as diskKey: BlockKey, _ share: ByteBudget.Share?) {
    state.withLock { state in
      guard let share else {
        state.droppedCount += 1
        return
      }
      guard state.blocks[diskKey] == nil else { return }
      state.blocks[diskKey] = block
      state.order.append(Entry(key: diskKey, block: block, share: share))
    }
    wakeUp.yield()
  }

  /// The next block to write, which stays here until ``finish(_:_:)``; for one writer.
  func next() -> (key: BlockKey, block: HeldBlock)? {
    state.withLock { state in
      while state.first < state.order.count {
        if let entry = state.order[state.first], state.blocks[entry.key] === entry.block {
          return (entry.key, entry.block)
        }
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
    order[first] = nil
    first += 1
    guard first > 32, first > order.count / 2 else { return }
    order.removeFirst(first)
    first = 0
  }
}
