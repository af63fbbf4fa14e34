import BlockCache
import MeshRuntime
import MeshTypes
import SegmentStore
import Synchronization
import TieredStore

/// The SSD tier: reads on a few threads, writes in the background from a bounded queue.
final class DiskTier: Sendable {
  /// Threads that read. An SSD is the faster for several reads at once.
  private static let readerCount = 4

  let segments: SegmentStore
  let writes: DiskWritePolicy
  let queue: WriteQueue
  private let readers: [DiskReader]
  private let nextReader = Atomic(0)
  private let speed: SpeedMeter
  private let throttle: Throttle?
  private let waitingReads = Atomic(0)
  private let waitingBytes = Atomic(0)

  /// Creates a tier on an open store.
  ///
  /// - Parameter queueBytes: The most payload bytes that wait to be written.
  init(segments: SegmentStore, settings: DiskSettings, queueBytes: Int) {
    self.segments = segments
    writes = settings.writes
    queue = WriteQueue(limitBytes: queueBytes)
    readers = (0..<Self.readerCount).map { DiskReader(number: $0, segments: segments) }
    speed = SpeedMeter(assumed: Double(settings.readLimit ?? 400_000_000))
    throttle = settings.readLimit.map { Throttle(bytesPerSecond: $0) }
  }

  // MARK: Reading

  /// Whether a block can probably be read, from disk or from among those to be written.
  func contains(_ diskKey: BlockKey) -> Bool {
    queue.block(of: diskKey) != nil || segments.contains(diskKey)
  }

  /// Blocks that wait to be read.
  var queuedReads: Int { waitingReads.load(ordering: .relaxed) }

  /// Bytes a second; nil before the first read.
  var bytesPerSecond: Double? { speed.measured }

  /// How long reading would take now, after all that waits.
  func estimatedMicroseconds(byteCount: Int) -> UInt64 {
    speed.microseconds(byteCount: byteCount + waitingBytes.load(ordering: .relaxed))
  }

  /// Reads a block and brings it to memory if there is room.
  ///
  /// - Returns: nil if it is not there any more, or damaged.
  func load(
    _ key: BlockKey,
    in namespace: StoreNamespace,
    to store: BlockStore
  ) async -> FoundBlock? {
    let diskKey = namespace.diskKey(key)
    if let waiting = queue.block(of: diskKey) { return FoundBlock(waiting) }
    guard let byteCount = segments.payloadBytes(of: diskKey) else { return nil }
    waitingReads.add(1, ordering: .relaxed)
    waitingBytes.add(byteCount, ordering: .relaxed)
    defer {
      waitingReads.subtract(1, ordering: .relaxed)
      waitingBytes.subtract(byteCount, ordering: .relaxed)
    }
    // Who is cancelled meanwhile does not wait for the read either.
    if let throttle, (try? await throttle.wait(byteCount: byteCount)) == nil { return nil }
    let number = nextReader.add(1, ordering: .relaxed).newValue
    let reader = readers[Int(UInt(bitPattern: number) % UInt(readers.count))]
    let start = ContinuousClock.now
    guard let (block, end) = await reader.load(key, diskKey, in: namespace, to: store) else {
      return nil
    }
    speed.note(byteCount: byteCount, from: start, to: end)
    return block
  }

  // MARK: Writing

  /// Queues a block to be written, unless it is there already. Waits while the queue is full.
  func write(_ block: HeldBlock, in namespace: StoreNamespace) async {
    let diskKey = namespace.diskKey(block.key)
    guard !segments.contains(diskKey) else { return }
    await queue.appendWhenThereIsPlace(block, as: diskKey)
  }

  /// Queues a block to be written, unless it is there already or the queue is full.
  func offer(_ block: HeldBlock, in namespace: StoreNamespace) {
    let diskKey = namespace.diskKey(block.key)
    guard !segments.contains(diskKey) else { return }
    queue.append(block, as: diskKey)
  }

  /// Notes that a block was read from memory.
  func noteUse(of block: HeldBlock, in namespace: StoreNamespace) {
    let diskKey = namespace.diskKey(block.key)
    if segments.contains(diskKey) {
      segments.touch(diskKey)
    } else if writes == .secondHit {
      queue.append(block, as: diskKey)
    }
  }

  /// Forgets a block, until the store is opened again if it was written: its record stays in the
  /// segment.
  ///
  /// - Returns: Whether it was here.
  func remove(_ diskKey: BlockKey) -> Bool {
    let waited = queue.remove(diskKey)
    return segments.remove(diskKey) || waited
  }
}
