import CKernels
package import MeshTypes

/// The preallocated memory of a model's keys and values: blocks of a fixed number of tokens.
///
/// A block is contiguous over all layers, so that it moves as one piece: per layer its keys
/// [KV head][dimension][slot], then its values [KV head][slot][dimension]; in 8 bits the scales
/// [group][slot] of each head follow its keys, and its values. All values are finite. What a token's
/// keys and values become in memory depends on them alone. Used by one thread at a time.
package final class KVMemory {
  /// The sizes that make up a block.
  package struct Layout: Hashable, Sendable, CustomStringConvertible {
    package var layerCount: Int
    package var kvHeadCount: Int
    /// A multiple of 16, at most 256.
    package var headDimension: Int
    /// A multiple of 16.
    package var blockSizeTokens: Int
    package var type: KVType

    package init(
      layerCount: Int,
      kvHeadCount: Int,
      headDimension: Int,
      blockSizeTokens: Int,
      type: KVType = .f16
    ) {
      self.layerCount = layerCount
      self.kvHeadCount = kvHeadCount
      self.headDimension = headDimension
      self.blockSizeTokens = blockSizeTokens
      self.type = type
    }

    /// Part of every block's key: another text is another layout.
    package var description: String {
      let sizes =
        "layerCount: \(layerCount), kvHeadCount: \(kvHeadCount), headDimension: \(headDimension), "
        + "blockSizeTokens: \(blockSizeTokens)"
      return type == .f16 ? "Layout(\(sizes))" : "Layout(\(sizes), type: \(type))"
    }

    /// Allowed block sizes, of which multiples of 16.
    package static let blockSizeTokensRange = 16...256

    /// - Throws: ``MeshError`` `invalidArgument` naming the size that kernels cannot take.
    package func validate() throws(MeshError) {
      guard
        headDimension % Int(WK_ATTENTION_POSITIONS) == 0,
        1...Int(WK_ATTENTION_HEAD_LIMIT) ~= headDimension
      else {
        throw .invalid(
          "head_dimension",
          "must be a multiple of 16 in 16...256, got \(headDimension)"
        )
      }
      guard blockSizeTokens % 16 == 0, Self.blockSizeTokensRange ~= blockSizeTokens else {
        throw .invalid(
          "block_size_tokens",
          "must be a multiple of 16 in 16...256, got \(blockSizeTokens)"
        )
      }
      guard 1...4096 ~= layerCount, 1...4096 ~= kvHeadCount else {
        throw .invalid("kv_layout", "must have 1...4096 layers and KV heads, got \(self)")
      }
    }

    /// Bytes of one head's keys, or values, of one layer in one block.
    var headByteCount: Int {
      type.headByteCount(dimension: headDimension, blockSizeTokens: blockSizeTokens)
    }

    /// Bytes of one block.
    package var blockByteCount: Int { layerCount * 2 * kvHeadCount * headByteCount }
  }

  package let layout: Layout
  package let blockCount: Int
  private let region: Region
  /// Where attention keeps results of parts of long sequences.
  private let partials: Region

  /// Takes the memory, all of it at once.
  ///
  /// - Throws: ``MeshError`` `invalidArgument` for a layout that kernels cannot take,
  ///   `resourceExhausted` when there is no memory.
  package init(layout: Layout, blockCount: Int, engine: KernelEngine) throws(MeshError) {
    try layout.validate()
    guard 1...Int(Int32.max) ~= blockCount else {
      throw .invalid("block_count", "must be in 1...\(Int32.max), got \(blockCount)")
    }
    self.layout = layout
    self.blockCount = blockCount
    region = try Region(of: UInt8.self, counts: [blockCount, layout.blockByteCount])
    partials = try Region(byteCount: 4 << 20)
    wk_populate([engine.engine], region.base, region.byteCount)
    wk_populate([engine.engine], partials.base, partials.byteCount)
  }

  /// The bytes of a block, to be moved elsewhere.
  package func withBlock<R, E: Error>(
    _ block: BlockID,
    _ body: (UnsafeMutableRawBufferPointer) throws(E) -> R
  ) throws(E) -> R {
    precondition(Int(block.rawValue) < blockCount, "no such block")
    let offset = Int(block.rawValue) * layout.blockByteCount
    return try body(
      UnsafeMutableRawBufferPointer(start: region.base + offset, count: layout.blockByteCount)
    )
  }

  /// The blocks for those who move them while steps go on.
  package var blocks: KVBlocks {
    KVBlocks(region: region, blockCount: blockCount, layout: layout)
  }

  func layer(_ index: Int, queryHeadCount: Int) -> wk_attention_layer {
    precondition(0..<layout.layerCount ~= index, "no such layer")
    precondition(queryHeadCount % layout.kvHeadCount == 0, "query heads do not group")
    // In units of 2 bytes.
    let head = layout.headByteCount / 2
    let keys = index * 2 * layout.kvHeadCount * head
    return wk_attention_layer(
      kv: wk_kv_view(
        memory: region.typed(UInt16.self),
        block_stride: layout.blockByteCount / 2,
        key_offset: keys,
        value_offset: keys + layout.kvHeadCount * head,
        head_stride: head,
        block_tokens: layout.blockSizeTokens,
        head_dimension: layout.headDimension,
        type: layout.type.kernelType
      ),
      query_heads: queryHeadCount,
      kv_heads: layout.kvHeadCount,
      scale: 1 / Float(layout.headDimension).squareRoot(),
      soft_cap: 0,
      window: .max,
      partials: partials.typed(Float.self),
      partial_floats: partials.byteCount / MemoryLayout<Float>.stride
    )
  }
}
