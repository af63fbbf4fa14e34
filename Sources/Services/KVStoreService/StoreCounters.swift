import MeshProtos
import Synchronization

/// What readers and writers were given and gave since the start.
final class StoreCounters: Sendable {
  private let hits = Atomic<UInt64>(0)
  private let misses = Atomic<UInt64>(0)
  private let read = Atomic<UInt64>(0)
  private let written = Atomic<UInt64>(0)

  /// Blocks given from memory.
  var memoryHits: UInt64 { hits.load(ordering: .relaxed) }
  /// Blocks asked for that were nowhere.
  var missCount: UInt64 { misses.load(ordering: .relaxed) }
  /// Payload bytes given.
  var readBytes: UInt64 { read.load(ordering: .relaxed) }
  /// Payload bytes taken.
  var writtenBytes: UInt64 { written.load(ordering: .relaxed) }

  /// Counts a block that was given.
  func countRead(byteCount: Int, from tier: Weft_Kvstore_V1_Tier) {
    if tier == .dram { hits.add(1, ordering: .relaxed) }
    read.add(UInt64(byteCount), ordering: .relaxed)
  }

  /// Counts a block that was asked for and is nowhere.
  func countMiss() { misses.add(1, ordering: .relaxed) }

  /// Counts bytes that were taken.
  func countWritten(byteCount: Int) { written.add(UInt64(byteCount), ordering: .relaxed) }
}
