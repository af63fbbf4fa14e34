import CKernels

/// A format of weights that the kernels read.
package struct WeightFormat: Hashable, Sendable {
  let format: wk_format

  /// The format with ggml's type number; nil if the kernels do not know it.
  package init?(ggmlType: UInt32) {
    format = wk_format(rawValue: ggmlType)
    guard wk_format_block_weights(format) > 0 else { return nil }
  }

  /// ggml's type number.
  package var ggmlType: UInt32 { format.rawValue }

  /// Weights in one block; a row is a whole number of blocks.
  package var weightsPerBlock: Int { wk_format_block_weights(format) }

  /// Bytes of one block.
  package var bytesPerBlock: Int { wk_format_block_bytes(format) }

  /// The weights in `bytes`, whole blocks, as f32.
  package func dequantize(_ bytes: UnsafeRawBufferPointer) -> [Float] {
    let count = bytes.count / bytesPerBlock * weightsPerBlock
    guard let base = bytes.baseAddress, count > 0 else { return [] }
    return [Float](unsafeUninitializedCapacity: count) { target, initialized in
      let source = base.assumingMemoryBound(to: UInt8.self)
      wk_dequantize(format, source, count, target.baseAddress)
      initialized = count
    }
  }

  // wk_format is an imported C enumeration without these.
  package static func == (lhs: Self, rhs: Self) -> Bool {
    lhs.format.rawValue == rhs.format.rawValue
  }

  package func hash(into hasher: inout Hasher) { hasher.combine(format.rawValue) }
}
