import BlockCache
import Checksum
import KVStoreClient
import KVStoreWire
import Kernels
import Logging
import MeshProtos
import MeshRuntime
import MeshTypes
import SwiftProtobuf
import Synchronization

/// Moves blocks between KV memory and the KV store while steps go on: verifies, copies and seals them
/// on a thread of its own.
actor BlockMover {
  private let executor: DedicatedThreadExecutor
  nonisolated let stores: StoreCluster
  nonisolated let blocks: KVBlocks
  private nonisolated let format: KVBlockFormat
  /// Bytes of a block in the store, without the seal.
  private nonisolated let contentBytes: Int
  nonisolated let staging: BlockStaging
  nonisolated let logger: Logger
  private let seal: BlockSeal
  private nonisolated let counts = Mutex(MoverStatistics())

  nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

  /// - Parameters:
  ///   - format: How blocks stand in the store.
  ///   - key: The mesh's.
  init(
    stores: StoreCluster,
    blocks: KVBlocks,
    format: KVBlockFormat,
    key: [UInt8],
    stagingBytes: Int,
    logger: Logger
  ) {
    executor = DedicatedThreadExecutor(label: "weft.worker.mover")
    self.stores = stores
    self.blocks = blocks
    self.format = format
    contentBytes = format.byteCount(ofBlock: blocks.blockByteCount)
    self.logger = logger
    seal = BlockSeal(MessageAuthenticator(key: key))
    let storedBytes = Self.storedBytes(of: blocks, format)
    staging = BlockStaging(
      bufferCount: max(1, stagingBytes / storedBytes),
      bufferByteCount: storedBytes
    )
  }

  /// Bytes of a block in the store.
  static func storedBytes(of blocks: KVBlocks, _ format: KVBlockFormat) -> Int {
    format.byteCount(ofBlock: blocks.blockByteCount) + BlockSeal.byteCount
  }

  /// What it has done so far.
  nonisolated var statistics: MoverStatistics { counts.withLock(\.self) }

  nonisolated func count(_ change: (inout MoverStatistics) -> Void) {
    counts.withLock { change(&$0) }
  }

  // MARK: Loads

  /// Fetches blocks until one is missing, wrong or late, or `gate` closes.
  func load(
    _ load: BlockLoad,
    through gate: WriteGate
  ) async -> Weft_Worker_V1_LoadResult {
    let start = ContinuousClock.now
    var bytes = (memory: UInt64(0), disk: UInt64(0))
    var forged: BlockKey?
    let report = await stores.get(
      load.keys,
      in: load.namespace,
      deadline: start + load.timeout
    ) { index, block in
      guard block.payload.byteCount == contentBytes + BlockSeal.byteCount,
        block.payload.checksum() == block.checksum,
        let content = seal.open(block.payload, key: load.keys[index], namespace: load.namespace)
      else {
        forged = load.keys[index]
        return false
      }
      guard gate.write({ restore(content, to: load.blocks[index]) }) else { return false }
      switch block.tier {
      case .ssd: bytes.disk += UInt64(block.payload.byteCount)
      default: bytes.memory += UInt64(block.payload.byteCount)
      }
      return true
    }
    count { counts in
      counts.loads += 1
      counts.loadedBlocks += report.blockCount
      counts.missedBlocks += load.blocks.count - report.blockCount
      if forged != nil { counts.forgedBlocks += 1 }
    }
    if let forged { await discard(forged, in: load.namespace) }
    return .with {
      $0.load = load.id
      $0.loadedBlocks = UInt32(report.blockCount)
      $0.microseconds = UInt64(max(0, (.now - start) / .microseconds(1)))
      $0.memoryBytes = bytes.memory
      $0.diskBytes = bytes.disk
    }
  }

  private nonisolated func restore(_ content: BlockBytes, to block: BlockID) {
    blocks.write(block) { room in
      switch format {
      case .exact: content.copy(into: &room)
      case .q8: format.decode(content.array.span.bytes, to: &room)
      }
    }
  }

  /// Has the store forget a block that is not what its key says, so that a true one can take its
  /// place.
  private func discard(_ key: BlockKey, in namespace: String) async {
    logger.warning(
      "a block from the store is not authentic",
      metadata: ["key": "\(key)", "namespace": "\(namespace)"]
    )
    await stores.remove([key], in: namespace)
  }

  // MARK: Stores

  /// Copies blocks away; for the engine's thread, between two steps.
  ///
  /// - Returns: Those for which there was a buffer.
  nonisolated func stage(_ store: BlockStore) -> [StagedStore] {
    var staged: [StagedStore] = []
    for (block, key) in zip(store.blocks, store.keys) {
      guard let buffer = staging.take() else { break }
      blocks.read(block) { block in
        buffer.write(0..<contentBytes) { format.encode(block, to: &$0) }
      }
      staged.append(StagedStore(key: key, buffer: buffer))
    }
    count { counts in
      counts.stagedBlocks += staged.count
      counts.droppedBlocks += store.blocks.count - staged.count
    }
    return staged
  }

  /// Seals staged blocks and puts them into the store.
  func store(_ staged: [StagedStore], in namespace: String) async {
    let outgoing = staged.map { store in
      let content = store.buffer.bytes[0..<contentBytes]
      let tag = seal.tag(of: content, key: store.key, namespace: namespace)
      store.buffer.write(tag.span.bytes, at: contentBytes)
      return OutgoingBlock(key: store.key, payload: store.buffer.bytes)
    }
    await count(stores.put(outgoing, in: namespace), in: namespace)
  }

  // MARK: Stores of what is being computed

  /// Takes buffers for blocks that are about to be computed.
  nonisolated func begin(_ store: BlockStore) -> LayeredStore {
    var staged: [StagedStore] = []
    for (_, key) in zip(store.blocks, store.keys) {
      guard let buffer = staging.take() else { break }
      staged.append(StagedStore(key: key, buffer: buffer))
    }
    count { counts in
      counts.stagedBlocks += staged.count
      counts.droppedBlocks += store.blocks.count - staged.count
    }
    return LayeredStore(store.blocks, staged, blocks: blocks, format: format)
  }

  /// Puts blocks into the store while they are computed, and seals them meanwhile.
  func store(_ layered: LayeredStore, in namespace: String) async {
    let tags = layered.staged.map { seal.begin(key: $0.key, namespace: namespace) }
    async let outcomes = stores.put(layered.growing, in: namespace)
    var sealed = 0
    for await case .growing(let byteCount) in layered.growing.growths {
      for (store, tag) in zip(layered.staged, tags) {
        store.buffer.bytes[sealed..<byteCount].forEachPiece { tag.append($0) }
      }
      sealed = byteCount
      guard sealed == contentBytes else { continue }
      for (store, tag) in zip(layered.staged, tags) {
        store.buffer.write(tag.tag().span.bytes, at: contentBytes)
      }
      layered.growing.complete()
    }
    await count(outcomes, in: namespace)
  }

  private func count(_ outcomes: [PutOutcome], in namespace: String) {
    count { counts in
      for outcome in outcomes {
        switch outcome {
        case .stored: counts.storedBlocks += 1
        case .conflicting: counts.conflictingBlocks += 1
        case .refused, .failed: counts.refusedBlocks += 1
        }
      }
    }
    // What is computed on blocks that came back inexact is another block of the same key.
    if format == .exact, outcomes.contains(.conflicting) {
      logger.warning(
        "the store has other bytes of a block",
        metadata: ["namespace": "\(namespace)"]
      )
    }
  }
}

/// A block copied away for the store.
struct StagedStore: Sendable {
  let key: BlockKey
  let buffer: StagedBlock
}
