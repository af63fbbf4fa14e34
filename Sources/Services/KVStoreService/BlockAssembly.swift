import BlockCache
import Checksum
import KVStoreWire
import MeshTypes
import TieredStore

/// Puts the parts of one call's blocks together, each straight in the place where the block will
/// lie. Its room is given back if it never becomes complete.
struct BlockAssembly: ~Copyable {
  /// A block that is coming.
  private struct Incoming {
    let key: BlockKey
    let totalBytes: Int
    var receivedBytes = 0
    var checksum: UInt32 = 0
    /// Of what blocks in parts may keep from all others.
    var share: ByteBudget.Share?
    /// What to compare the bytes with, if the key is here.
    var present: FoundBlock?
    var hasSameBytes = true
    /// What to answer if there is neither room nor anything to compare with.
    var refusal = BlockOutcome.noRoom
  }

  private let store: BlockStore
  private var namespace: StoreNamespace?
  private var namespaceID = NamespaceID(rawValue: 0)
  private var incoming: Incoming?
  /// Where the incoming block's bytes go, if they go anywhere.
  private var room: BlockReservation?

  init(store: BlockStore) { self.store = store }

  /// Takes a message.
  ///
  /// - Returns: What became of the block that it completes; nil if it completes none.
  /// - Throws: ``MeshError`` `invalidArgument` naming the field at fault; `resourceExhausted` when
  ///   there are too many namespaces.
  mutating func append(_ part: PutBlock) async throws(MeshError) -> BlockOutcome? {
    try useNamespace(part.namespace)
    var block = try checked(part)
    store.counters.countWritten(byteCount: part.payload.byteCount)
    if block.receivedBytes == 0 {
      try await begin(&block, comesInParts: part.payload.byteCount < block.totalBytes)
    }
    copy(part.payload, of: &block)
    guard block.receivedBytes == block.totalBytes else {
      incoming = block
      return nil
    }
    incoming = nil
    return await finish(block, sentChecksum: part.checksum)
  }

  // MARK: What is allowed

  private mutating func useNamespace(_ name: String) throws(MeshError) {
    if name.isEmpty, namespace != nil { return }
    guard name != namespace?.name else { return }
    guard incoming == nil else {
      throw .invalid("namespace", "must not change between the parts of a block")
    }
    let new = try StoreNamespace(name)
    namespaceID = try store.openNamespace(new)
    namespace = new
  }

  /// - Returns: The block that the part belongs to.
  private func checked(_ part: PutBlock) throws(MeshError) -> Incoming {
    let limit = store.maxBlockBytes
    guard (1...limit).contains(part.payload.byteCount) else {
      throw .invalid("payload", "must have 1...\(limit) bytes, got \(part.payload.byteCount)")
    }
    let total = part.totalBytes ?? UInt64(part.payload.byteCount)
    guard (1...UInt64(limit)).contains(total) else {
      throw .invalid("total_bytes", "must be in 1...\(limit), got \(total)")
    }
    let block = incoming ?? Incoming(key: part.key, totalBytes: Int(total))
    guard part.key == block.key else {
      throw .invalid("key", "must be \(block.key) until its block is complete, got \(part.key)")
    }
    guard Int(total) == block.totalBytes else {
      throw .invalid("total_bytes", "must be \(block.totalBytes) in all parts, got \(total)")
    }
    guard part.offset == UInt64(block.receivedBytes) else {
      throw .invalid("offset", "must be \(block.receivedBytes), got \(part.offset)")
    }
    let missing = block.totalBytes - block.receivedBytes
    guard part.payload.byteCount <= missing else {
      throw .invalid(
        "payload",
        "must have at most the \(missing) bytes that the block lacks, got \(part.payload.byteCount)"
      )
    }
    return block
  }

  // MARK: Where a block goes

  private mutating func begin(
    _ block: inout Incoming,
    comesInParts: Bool
  ) async throws(MeshError) {
    guard let namespace else { return }
    // Memory alone does not know what is only on disk.
    if store.isOnlyOnDisk(block.key, in: namespace) {
      block.present = await store.block(block.key, in: namespace)
      if block.present != nil { return }
    }
    if comesInParts {
      block.share = store.partsBudget.takeAtOnce(block.totalBytes)
      if block.share == nil { return }
    }
    // What is present may prove damaged, or go, before it can be compared.
    for _ in 0..<3 {
      switch try store.reserve(byteCount: block.totalBytes, as: block.key, in: namespaceID) {
      case .reserved(let reservation):
        room = consume reservation
        return
      case .refused(.present):
        block.present = store.blockInMemory(block.key, in: namespace)
        if block.present != nil { return }
      case .refused(let outcome):
        block.refusal = BlockOutcome(outcome)
        return
      }
    }
  }

  private mutating func copy(_ payload: BlockBytes, of block: inout Incoming) {
    payload.forEachPiece { piece in
      block.checksum = CRC32C.checksum(piece, after: block.checksum)
      room?.copy(piece, to: block.receivedBytes)
      if let present = block.present, block.hasSameBytes {
        block.hasSameBytes = present.hasSameBytes(as: piece, at: block.receivedBytes)
      }
      block.receivedBytes += piece.byteCount
    }
  }

  private mutating func finish(_ block: Incoming, sentChecksum: UInt32?) async -> BlockOutcome {
    let room = room.take()
    if let sentChecksum, sentChecksum != block.checksum {
      return .damaged(computed: block.checksum, sent: sentChecksum)
    }
    if let room {
      let outcome = room.publish(checksum: block.checksum)
      if outcome == .stored, let namespace {
        await store.didStore(block.key, in: namespace, namespaceID)
      }
      return BlockOutcome(outcome)
    }
    guard let present = block.present else { return block.refusal }
    let isSame = block.hasSameBytes && present.payload.byteCount == block.totalBytes
    return isSame ? .stored : .conflict
  }
}
