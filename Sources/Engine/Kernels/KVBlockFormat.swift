import CKernels

/// How a block of f16 keys and values stands outside KV memory.
package enum KVBlockFormat: String, CaseIterable, Sendable {
  /// As it is in memory.
  case exact
  /// Groups of 32 values: a scale in f16 and a level of 8 bits for each; 17/32 of the bytes. What
  /// comes back differs by up to half a scale, which is the group's largest magnitude / 127.
  case q8

  /// Bytes of a block that has `blockByteCount` in memory, a multiple of 64.
  package func byteCount(ofBlock blockByteCount: Int) -> Int {
    switch self {
    case .exact: return blockByteCount
    case .q8:
      let groupByteCount = Int(WK_BLOCK_GROUP) * 2
      precondition(blockByteCount % groupByteCount == 0, "a block has whole groups")
      return blockByteCount / groupByteCount * Int(WK_BLOCK_GROUP_BYTES)
    }
  }

  /// Writes a block of finite values, as it is in memory, to the beginning of `room`.
  package func encode(_ block: RawSpan, to room: inout MutableRawSpan) {
    let byteCount = byteCount(ofBlock: block.byteCount)
    precondition(room.byteCount >= byteCount, "no room for the block")
    block.withUnsafeBytes { block in
      room.withUnsafeMutableBytes { room in
        switch self {
        case .exact: room.copyMemory(from: block)
        case .q8:
          wk_block_to_groups(
            block.bindMemory(to: UInt16.self).baseAddress,
            block.count / 2,
            room.bindMemory(to: UInt8.self).baseAddress
          )
        }
      }
    }
  }

  /// Writes the block that `bytes` are to all of `block`. Its values are finite, whatever the bytes
  /// are, if they are quantised.
  package func decode(_ bytes: RawSpan, to block: inout MutableRawSpan) {
    precondition(
      bytes.byteCount == byteCount(ofBlock: block.byteCount),
      "the bytes are of another size of block"
    )
    bytes.withUnsafeBytes { bytes in
      block.withUnsafeMutableBytes { block in
        switch self {
        case .exact: block.copyMemory(from: bytes)
        case .q8:
          wk_block_from_groups(
            bytes.bindMemory(to: UInt8.self).baseAddress,
            block.count / 2,
            block.bindMemory(to: UInt16.self).baseAddress
          )
        }
      }
    }
  }
}
