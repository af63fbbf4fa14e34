import BlockCache
import MeshProtos
import MeshRuntime
import MeshTypes
import SegmentStore
import TieredStore

/// A thread that reads blocks from disk, and its buffer.
actor DiskReader {
  private let executor: DedicatedThreadExecutor
  private let segments: SegmentStore
  private var buffer: PageBuffer

  nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

  init(number: Int, segments: SegmentStore) {
    executor = DedicatedThreadExecutor(label: "weft.kvstore.read.\(number)")
    self.segments = segments
    buffer = segments.makeBuffer()
  }

  /// Reads a block and brings it to memory if there is room.
  ///
  /// - Returns: The block, and when it had been read; nil if it is not there or damaged.
  func load(
    _ key: BlockKey,
    _ diskKey: BlockKey,
    in namespace: StoreNamespace,
    to store: BlockStore
  ) -> (FoundBlock, ContinuousClock.Instant)? {
    guard let range = try? segments.read(diskKey, into: &buffer) else { return nil }
    let end = ContinuousClock.now
    let checksum = buffer.checksum(of: range)
    if let block = promote(range, checksum, key, namespace, store) {
      return (FoundBlock(block, tier: .ssd), end)
    }
    let copy = buffer.withBytes(in: range) { FoundBlock(copying: $0, checksum: checksum) }
    return (copy, end)
  }

  /// Copies what was read to memory.
  ///
  /// - Returns: nil if there is no room, or memory has other bytes under the key.
  private func promote(
    _ range: Range<Int>,
    _ checksum: UInt32,
    _ key: BlockKey,
    _ namespace: StoreNamespace,
    _ store: BlockStore
  ) -> HeldBlock? {
    guard let id = try? store.openNamespace(namespace) else { return nil }
    guard
      case .reserved(var room)? = try? store.reserve(byteCount: range.count, as: key, in: id)
    else { return nil }
    buffer.withBytes(in: range) { bytes in
      room.copy(bytes, to: 0)
    }
    guard room.publish(checksum: checksum) == .stored else { return nil }
    return try? store.memory.get(key, in: id)
  }
}
