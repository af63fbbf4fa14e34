/// A tensor of a GGUF file: what it is and where its bytes lie. Made only by reading a file, which
/// checked that the bytes are inside it and overlap no other tensor's.
package struct GGUFTensor: Hashable, Sendable {
  /// The name, such as `blk.0.attn_q.weight`.
  package let name: String
  /// How elements are stored.
  package let type: TensorType
  /// 1 to 4 sizes, all positive, the fastest-varying first: a matrix of `rows` × `columns` is
  /// `[columns, rows]`. The first is a multiple of the type's elements per block.
  package let dimensions: [Int]
  /// Where the first byte lies, from the beginning of the file.
  package let byteOffset: Int
  /// Bytes of all elements.
  package let byteCount: Int
  /// The product of ``dimensions``.
  package let elementCount: Int

  /// Where the byte after the last lies, from the beginning of the file.
  package var endOffset: Int { byteOffset + byteCount }
}
