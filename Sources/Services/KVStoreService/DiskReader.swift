import BlockCache
import Checksum
import MeshProtos
import MeshRuntime
import SegmentStore
import TieredStore

/// A thread that reads blocks from disk, several at once where the kernel has io_uring.
actor DiskReader {
  /// Gets the blocks of a run in order; nil stands for one that is not there or damaged.
  typealias Blocks = AsyncStream<FoundBlock?>.Continuation

  private let executor: DedicatedThreadExecutor
  private let segments: SegmentStore
  private var queue: ReadQueue

  nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

  /// Creates a thread.
  ///
  /// - Parameter queue: Of `segments`.
  init(number: Int, segments: SegmentStore, queue: consuming ReadQueue) {
    executor = DedicatedThreadExecutor(label: "weft.kvstore.read.\(number)")
    self.segments = segments
    self.queue = queue
  }

  /// Reads blocks and brings them to memory where there is room. Ends early if the task is
  /// cancelled.
  ///
  /// - Parameter noteRead: Called for each that was read.
  func load(
    _ run: DiskRun,
    to store: BlockStore,
    _ blocks: Blocks,
    _ noteRead: @Sendable (_ byteCount: Int) -> Void
  ) {
    var count = 0
    _ = try? segments.read(run.blocks.map(\.diskKey), with: &queue) {
      index,
      payload throws(CancellationError) in
      guard !Task.isCancelled else { throw CancellationError() }
      noteRead(payload.byteCount)
      while count < index {
        blocks.yield(nil)
        count += 1
      }
      blocks.yield(Self.bring(payload, of: run.blocks[index], run.namespace, to: store))
      count += 1
    }
  }

  private static func bring(
    _ payload: RawSpan,
    of block: DiskRun.Block,
    _ namespace: StoreNamespace,
    to store: BlockStore
  ) -> FoundBlock {
    let checksum = CRC32C.checksum(payload)
    if let held = promote(payload, checksum, block.key, namespace, store) {
      return FoundBlock(held, tier: .ssd, share: block.share)
    }
    return FoundBlock(copying: payload, checksum: checksum, share: block.share)
  }

  /// Copies what was read to memory.
  ///
  /// - Returns: nil if there is no room, or memory has other bytes under the key.
  private static func promote(
    _ payload: RawSpan,
    _ checksum: UInt32,
    _ key: BlockKey,
    _ namespace: StoreNamespace,
    _ store: BlockStore
  ) -> HeldBlock? {
    guard let id = try? store.openNamespace(namespace) else { return nil }
    switch try? store.reserve(byteCount: payload.byteCount, as: key, in: id) {
    case .reserved(var room):
      room.copy(payload, to: 0)
      guard room.publish(checksum: checksum) == .stored else { return nil }
    case .refused(let outcome): guard outcome == .present else { return nil }
    case nil: return nil
    }
    guard let held = store.memory.hold(key, in: id), held.checksum == checksum,
      held.byteCount == payload.byteCount
    else { return nil }
    return held
  }
}
