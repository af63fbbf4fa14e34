import BlockCache
import MeshRuntime
import MeshTypes
import SegmentStore
import Synchronization
import TieredStore

/// The SSD tier: several reads at once, writes in the background from a bounded queue.
///
/// An SSD is the faster for several reads at once: from one thread where the kernel has io_uring,
/// else from several threads.
final class DiskTier: Sendable {
  /// Reads under way at once, with and without io_uring.
  private static let (readsInRing, readsOnThreads) = (8, 4)
  /// Bytes that all reads under way may need, even if all blocks are as long as they can be.
  private static let readBufferBytes = 64 << 20

  let segments: SegmentStore
  let writes: DiskWritePolicy
  let queue: WriteQueue
  /// What readers are coming to.
  let wanted = WantedKeys()
  /// Whether blocks are read through io_uring.
  let usesRing: Bool
  /// The most blocks to read as one run.
  let blocksInRun: Int
  /// Runs that keep the readers busy.
  let runsAhead: Int
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
    let mostReads = max(1, Self.readBufferBytes / segments.settings.maximumPayloadBytes)
    let ring = segments.makeReadQueue(depth: min(Self.readsInRing, mostReads))
    usesRing = ring.usesRing
    if ring.usesRing {
      readers = [DiskReader(number: 0, segments: segments, queue: ring)]
    } else {
      readers = (0..<min(Self.readsOnThreads, mostReads)).map { number in
        let queue = segments.makeReadQueue(depth: 1)
        return DiskReader(number: number, segments: segments, queue: queue)
      }
    }
    // The second run is in the reader's queue when the first ends. A limit is kept block by block.
    let readsRuns = usesRing && settings.readLimit == nil
    blocksInRun = readsRuns ? 2 * Self.readsInRing : 1
    runsAhead = readsRuns ? 2 : Self.readsOnThreads
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
  /// - Parameter share: What the block takes of the readers' budget.
  /// - Returns: nil if it is not there any more, or damaged.
  func load(
    _ key: BlockKey,
    in namespace: StoreNamespace,
    share: ByteBudget.Share?,
    to store: BlockStore
  ) async -> FoundBlock? {
    let diskKey = namespace.diskKey(key)
    if let waiting = queue.block(of: diskKey) { return FoundBlock(waiting, share: share) }
    guard let byteCount = segments.payloadBytes(of: diskKey) else { return nil }
    var run = DiskRun(in: namespace)
    run.append(key, byteCount: byteCount, share: share)
    let (stream, blocks) = AsyncStream.makeStream(of: FoundBlock?.self)
    await load(run, to: store, blocks)
    for await block in stream { return block }
    return nil
  }

  /// Reads blocks and brings them to memory where there is room. `blocks` is finished at the end,
  /// which comes early if the task is cancelled.
  func load(_ run: DiskRun, to store: BlockStore, _ blocks: DiskReader.Blocks) async {
    waitingReads.add(run.blocks.count, ordering: .relaxed)
    waitingBytes.add(run.byteCount, ordering: .relaxed)
    defer {
      waitingReads.subtract(run.blocks.count, ordering: .relaxed)
      waitingBytes.subtract(run.byteCount, ordering: .relaxed)
      blocks.finish()
    }
    let start = ContinuousClock.now
    // Who is cancelled meanwhile does not wait for the reads either.
    if let throttle, (try? await throttle.wait(byteCount: run.byteCount)) == nil { return }
    let number = nextReader.add(1, ordering: .relaxed).newValue
    let reader = readers[Int(UInt(bitPattern: number) % UInt(readers.count))]
    await reader.load(run, to: store, blocks) { byteCount in
      speed.note(byteCount: byteCount, from: start, to: .now)
    }
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
