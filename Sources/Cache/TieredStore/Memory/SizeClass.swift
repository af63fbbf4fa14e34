/// The distance between blocks in a slab: the block's size rounded up a little, so that blocks of
/// nearly equal sizes share slabs.
///
/// Strides are multiples of 4 KiB, so that a block can be read from a disk past the page cache, and
/// of a 64th of the largest power of two in them: from 256 KiB on rounding wastes less than 1.6 %.
struct SizeClass: Hashable, Sendable {
  /// The smallest stride.
  static let granularityBytes = 4096

  /// Bytes from one block to the next.
  let stride: Int

  /// The class of blocks of `byteCount` bytes, at least 1.
  init(byteCount: Int) {
    precondition(byteCount > 0, "a block has bytes")
    let powerOfTwo = Int.bitWidth - 1 - byteCount.leadingZeroBitCount
    let step = max(Self.granularityBytes, 1 << max(0, powerOfTwo - 6))
    stride = (byteCount + step - 1) / step * step
  }
}
