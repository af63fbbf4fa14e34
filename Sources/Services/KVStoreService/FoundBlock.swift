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

  /// Where it was found.
  let tier: Weft_Kvstore_V1_Tier
  /// The payload's CRC32C.
  let checksum: UInt32
  /// As it was put.
  let payload: BlockBytes
  private let memory: Memory

  /// A block in memory.
  init(_ block: HeldBlock, tier: Weft_Kvstore_V1_Tier = .dram) {
    self.tier = tier
    checksum = block.checksum
    payload = block.share(with: BlockBytes.init(owner:bytes:))
    memory = .held(block)
  }

  /// A block from disk that found no room in memory.
  init(copying bytes: RawSpan, checksum: UInt32) {
    tier = .ssd
    self.checksum = checksum
    payload = BlockBytes(copying: bytes)
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
