import BlockCache
import KVStoreWire
import MeshProtos
import TieredStore

/// A block on its way to a reader.
struct FoundBlock: Sendable {
  /// Where its bytes are.
  private enum Memory: Sendable {
    case held(HeldBlock)
    /// Read from disk while there was no room in memory.
    case copy([UInt8])
  }

  /// What keeps the bytes while the transport has them.
  private final class Loan: Sendable {
    private let owner: any BlockBytes.Owner
    private let share: ByteBudget.Share

    init(_ owner: any BlockBytes.Owner, _ share: ByteBudget.Share) {
      self.owner = owner
      self.share = share
    }
  }

  /// Where it was found.
  let tier: Weft_Kvstore_V1_Tier
  /// The payload's CRC32C.
  let checksum: UInt32
  /// As it was put.
  let payload: BlockBytes
  private let memory: Memory

  /// A block in memory.
  ///
  /// - Parameter share: What it takes of the readers' budget, until its last reference is gone.
  init(
    _ block: HeldBlock,
    tier: Weft_Kvstore_V1_Tier = .dram,
    share: ByteBudget.Share? = nil
  ) {
    self.tier = tier
    checksum = block.checksum
    payload = block.share { owner, bytes in
      BlockBytes(owner: share.map { Loan(owner, $0) } ?? owner, bytes: bytes)
    }
    memory = .held(block)
  }

  /// A block from disk that found no room in memory.
  init(copying bytes: RawSpan, checksum: UInt32, share: ByteBudget.Share? = nil) {
    tier = .ssd
    self.checksum = checksum
    payload = BlockBytes(copying: bytes, keeping: share)
    memory = .copy(payload.array)
  }

  /// Whether the payload has `piece` at `offset`.
  func hasSameBytes(as piece: RawSpan, at offset: Int) -> Bool {
    switch memory {
    case .held(let block): return block.hasSameBytes(as: piece, at: offset)
    case .copy(let bytes):
      guard piece.byteCount <= bytes.count - offset else { return false }
      return (0..<piece.byteCount).allSatisfy {
        piece.unsafeLoad(fromByteOffset: $0, as: UInt8.self) == bytes[offset + $0]
      }
    }
  }
}
