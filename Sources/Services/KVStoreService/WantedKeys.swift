import BlockCache
import Synchronization

/// The keys that readers are coming to: who prefetches leaves them to those readers, instead of having
/// the disk read them twice.
final class WantedKeys: Sendable {
  private let counts = Mutex<[BlockKey: Int]>([:])

  /// Notes that somebody reads blocks; ``remove(_:)`` must follow.
  func add(_ diskKeys: [BlockKey]) {
    counts.withLock { counts in for key in diskKeys { counts[key, default: 0] += 1 } }
  }

  /// Notes that somebody does not read them any more.
  func remove(_ diskKeys: [BlockKey]) {
    counts.withLock { counts in
      for key in diskKeys {
        guard let count = counts[key] else { continue }
        counts[key] = count > 1 ? count - 1 : nil
      }
    }
  }

  /// Whether somebody reads a block.
  func contains(_ diskKey: BlockKey) -> Bool { counts.withLock { $0[diskKey] != nil } }
}
