import BlockCache
import KVStoreClient
import KVStoreWire
import Kernels
import MeshTypes

/// Blocks that a step computes, on their way into the store layer by layer: what a layer has written
/// is copied at once, and sent while the next ones are computed.
///
/// For the engine's thread, but for ``growing``.
final class LayeredStore: Sendable {
  /// Where the blocks go, each with its buffer: fewer than there are blocks if buffers are scarce.
  let staged: [StagedStore]
  /// What is sent.
  let growing: GrowingBlocks
  private let targets: [BlockID]
  private let blocks: KVBlocks
  private let format: KVBlockFormat

  init(_ targets: [BlockID], _ staged: [StagedStore], blocks: KVBlocks, format: KVBlockFormat) {
    self.targets = Array(targets.prefix(staged.count))
    self.staged = staged
    self.blocks = blocks
    self.format = format
    growing = GrowingBlocks(
      staged.map { GrowingBlocks.Block(key: $0.key, payload: $0.buffer.bytes) }
    )
  }

  /// Whether all of it is in some blocks.
  func isContained(in computed: Set<BlockID>) -> Bool { computed.isSuperset(of: targets) }

  /// Copies a layer away, once all before it have been.
  func copy(layer: Int) {
    let byteCount = format.byteCount(ofBlock: blocks.blockByteCount) / blocks.layerCount
    let range = layer * byteCount..<(layer + 1) * byteCount
    for (block, store) in zip(targets, staged) {
      blocks.read(block, layer: layer) { bytes in
        store.buffer.write(range) { format.encode(bytes, to: &$0) }
      }
    }
    growing.grow(to: range.upperBound)
  }

  /// Gives the blocks up unless all layers have been copied.
  func end() { growing.abandon(below: format.byteCount(ofBlock: blocks.blockByteCount)) }
}
