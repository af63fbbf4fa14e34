package import MeshTypes

/// The blocks of a ``KVMemory`` for those who move them, on whatever thread.
///
/// Nothing here keeps a step and a mover apart: who hands out blocks sees to it that a block is
/// written by one alone, and read by nobody meanwhile.
package struct KVBlocks: @unchecked Sendable {
  private let region: Region
  /// The number of blocks.
  package let blockCount: Int
  /// Bytes of one block.
  package let blockByteCount: Int

  init(region: Region, blockCount: Int, blockByteCount: Int) {
    self.region = region
    self.blockCount = blockCount
    self.blockByteCount = blockByteCount
  }

  /// Lends a block's bytes.
  package func read<R, E: Error>(
    _ block: BlockID,
    _ body: (RawSpan) throws(E) -> R
  ) throws(E) -> R {
    try body(UnsafeRawBufferPointer(bytes(of: block)).bytes)
  }

  /// Lends a block's bytes to be written.
  package func write<R, E: Error>(
    _ block: BlockID,
    _ body: (inout MutableRawSpan) throws(E) -> R
  ) throws(E) -> R {
    var span = bytes(of: block).mutableBytes
    return try body(&span)
  }

  private func bytes(of block: BlockID) -> UnsafeMutableRawBufferPointer {
    precondition(Int(block.rawValue) < blockCount, "no such block")
    return UnsafeMutableRawBufferPointer(
      start: region.base + Int(block.rawValue) * blockByteCount,
      count: blockByteCount
    )
  }
}
