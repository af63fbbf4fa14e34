import BlockCache
import Checksum
import FoundationEssentials
import KVStoreWire

/// Blocks whose bytes the keys determine.
final class SampleBlocks: @unchecked Sendable {
  let count: Int
  let blockBytes: Int
  let checksums: [UInt32]
  private let memory: UnsafeMutableRawBufferPointer

  init(count: Int, blockBytes: Int) {
    self.count = count
    self.blockBytes = blockBytes
    memory = .allocate(byteCount: count * blockBytes, alignment: 4096)
    var state: UInt64 = 0x57_45_46_54
    for offset in stride(from: 0, to: memory.count &- 7, by: 8) {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      memory.storeBytes(of: state, toByteOffset: offset, as: UInt64.self)
    }
    checksums = (0..<count).map { [memory] index in
      CRC32C.checksum(
        UnsafeRawBufferPointer(rebasing: memory[index * blockBytes..<(index + 1) * blockBytes])
      )
    }
  }

  deinit { memory.deallocate() }

  /// The bytes of a block, which are those of block `index` modulo ``count``.
  func payload(_ index: Int) -> BlockBytes {
    let start = index % count * blockBytes
    return BlockBytes(
      owner: self,
      bytes: UnsafeRawBufferPointer(rebasing: memory[start..<start + blockBytes])
    )
  }

  /// The key of block `index` of series `series`.
  static func keyBytes(_ index: Int, series: UInt64) -> [UInt8] {
    var state = series
    return (0..<4).flatMap { word -> [UInt8] in
      state = (state ^ UInt64(index)) &* 0x9E37_79B9_7F4A_7C15
      state ^= state >> 29
      state &+= UInt64(word)
      return (0..<8).map { UInt8(truncatingIfNeeded: state >> (8 * $0)) }
    }
  }

  static func key(_ index: Int, series: UInt64) -> BlockKey {
    BlockKey(from: keyBytes(index, series: series).span.bytes, at: 0)
  }

  /// Several keys in a row, as requests have them.
  static func keys(_ indices: Range<Int>, series: UInt64) -> Data {
    Data(indices.flatMap { keyBytes($0, series: series) })
  }
}
