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
  /// Layers of one block, which stand in it one after the other, all of the same size.
  package let layerCount: Int

  init(region: Region, blockCount: Int, layout: KVMemory.Layout) {
    self.region = region
    self.blockCount = blockCount
    blockByteCount = layout.blockByteCount
    layerCount = layout.layerCount
  }

  /// Lends a block's bytes.
  package func read<R, E: Error>(
    _ block: BlockID,
    _ body: (RawSpan) throws(E) -> R
  ) throws(E) -> R {
    try body(UnsafeRawBufferPointer(bytes(of: block)).bytes)
  }

  /// Lends the bytes of one layer of a block.
  package func read<R, E: Error>(
    _ block: BlockID,
    layer: Int,
    _ body: (RawSpan) throws(E) -> R
  ) throws(E) -> R {
    precondition(0..<layerCount ~= layer, "no such layer")
    let byteCount = blockByteCount / layerCount
    let range = layer * byteCount..<(layer + 1) * byteCount
    return try body(UnsafeRawBufferPointer(rebasing: bytes(of: block)[range]).bytes)
  }

  /// Lends a block's bytes to be written.
  package func write<R, E: Error>(
    _ block: BlockID,
    _ body: (inout MutableRawSpan) throws(E) -> R
  ) throws(E) -> R {
    var span = bytes(of: block).mutableBytes
    return try body(&span)
  }

  /// Makes a block hold what another one holds, in whatever format: each position's keys and values have
  /// their place, so the leading ones of a copy are those of the other, and may be continued.
  ///
  /// - Parameters:
  ///   - source: Read.
  ///   - destination: Overwritten as a whole.
  package func copy(_ source: BlockID, to destination: BlockID) {
    bytes(of: destination).copyMemory(from: UnsafeRawBufferPointer(bytes(of: source)))
  }

  private func bytes(of block: BlockID) -> UnsafeMutableRawBufferPointer {
    precondition(Int(block.rawValue) < blockCount, "no such block")
    return UnsafeMutableRawBufferPointer(
      start: region.base + Int(block.rawValue) * blockByteCount,
      count: blockByteCount
    )
  }
}
