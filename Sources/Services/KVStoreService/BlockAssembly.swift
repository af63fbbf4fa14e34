import BlockCache
import KVStoreWire
import MeshTypes
import TieredStore

/// Puts the parts of one call's blocks together, each straight in the place where the block will
/// lie. Its room is given back if it never becomes complete.
struct BlockAssembly {
  private let store: BlockStore
  private var namespace: StoreNamespace?
  private var namespaceID = NamespaceID(rawValue: 0)
  /// Blocks of which parts are missing.
  private var incoming: [BlockKey: IncomingBlock] = [:]

  /// The most blocks whose parts alternate.
  static let maximumIncomingBlocks = 1024

  init(store: BlockStore) { self.store = store }

  /// Takes a message.
  ///
  /// - Returns: What became of the block that it completes; nil if it completes none.
  /// - Throws: ``MeshError`` `invalidArgument` naming the field at fault; `resourceExhausted` when
  ///   there are too many namespaces.
  mutating func append(_ part: PutBlock) async throws(MeshError) -> BlockOutcome? {
    try useNamespace(part.namespace)
    let block = try checked(part)
    store.counters.countWritten(byteCount: part.payload.byteCount)
    if block.receivedBytes == 0 {
      let comesInParts = part.payload.byteCount < block.totalBytes
      if comesInParts { incoming[block.key] = block }
      try await begin(block, comesInParts: comesInParts)
    }
    block.append(part.payload)
    guard block.receivedBytes == block.totalBytes else { return nil }
    incoming[block.key] = nil
    return await finish(block, sentChecksum: part.checksum)
  }

  // MARK: What is allowed

  private mutating func useNamespace(_ name: String) throws(MeshError) {
    if name.isEmpty, namespace != nil { return }
    guard name != namespace?.name else { return }
    guard incoming.isEmpty else {
      throw .invalid("namespace", "must not change between the parts of a block")
    }
    let new = try StoreNamespace(name)
    namespaceID = try store.openNamespace(new)
    namespace = new
  }

  /// - Returns: The block that the part belongs to.
  private func checked(_ part: PutBlock) throws(MeshError) -> IncomingBlock {
    let limit = store.maxBlockBytes
    guard (1...limit).contains(part.payload.byteCount) else {
      throw .invalid("payload", "must have 1...\(limit) bytes, got \(part.payload.byteCount)")
    }
    let total = part.totalBytes ?? UInt64(part.payload.byteCount)
    guard (1...UInt64(limit)).contains(total) else {
      throw .invalid("total_bytes", "must be in 1...\(limit), got \(total)")
    }
    let block = incoming[part.key] ?? IncomingBlock(key: part.key, totalBytes: Int(total))
    guard incoming.count < Self.maximumIncomingBlocks || incoming[part.key] != nil else {
      throw .invalid(
        "key",
        "must not be another block's while \(incoming.count) lack parts, got \(part.key)"
      )
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

  private func begin(
    _ block: IncomingBlock,
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
        block.room = consume reservation
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

  private func finish(_ block: IncomingBlock, sentChecksum: UInt32?) async -> BlockOutcome {
    let room = block.room.take()
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
