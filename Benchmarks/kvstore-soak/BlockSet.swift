import BlockCache
import Checksum
import KVStoreWire

/// Numbered blocks; what is in each follows from its number.
struct BlockSet: Sendable {
  let blockBytes: Int
  /// More than the memory holds, so that both tiers work.
  let count: Int

  init(blockBytes: Int, memoryBytes: Int) {
    self.blockBytes = blockBytes
    count = max(64, 4 * memoryBytes / blockBytes)
  }

  func key(_ number: Int) -> BlockKey {
    var generator = Numbers(state: UInt64(number) ^ 0x6b65_7973)
    let bytes = (0..<4).flatMap { _ in
      let word = generator.next()
      return (0..<8).map { UInt8(truncatingIfNeeded: word >> (8 * UInt64($0))) }
    }
    return BlockKey(from: bytes.span.bytes, at: 0)
  }

  func payload(_ number: Int) -> [UInt64] {
    var generator = Numbers(state: UInt64(number))
    return (0..<blockBytes / 8).map { _ in generator.next() }
  }

  /// A block as it is put.
  func put(_ number: Int) -> PutBlock {
    let payload = payload(number)
    return PutBlock(
      namespace: "soak",
      key: key(number),
      checksum: CRC32C.checksum(payload.span.bytes),
      payload: BlockBytes(copying: payload.span.bytes)
    )
  }

  /// Whether a payload is the one of a number.
  func isRight(_ bytes: BlockBytes, _ number: Int) -> Bool {
    var generator = Numbers(state: UInt64(number))
    guard bytes.byteCount == blockBytes / 8 * 8 else { return false }
    let array = bytes.array
    let span = array.span.bytes
    return stride(from: 0, to: span.byteCount, by: 8).allSatisfy {
      span.unsafeLoadUnaligned(fromByteOffset: $0, as: UInt64.self) == generator.next()
    }
  }
}

/// SplitMix64.
struct Numbers: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
    return mixed ^ (mixed >> 31)
  }
}
