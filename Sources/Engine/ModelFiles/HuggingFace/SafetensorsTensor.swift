/// A tensor of a safetensors file: what it is and where its bytes lie. Made only by reading a file,
/// which checked that the bytes are inside it and overlap no other tensor's.
package struct SafetensorsTensor: Hashable, Sendable {
  /// The name, such as `model.layers.0.self_attn.q_proj.weight`.
  package let name: String
  package let type: SafetensorsType
  /// The sizes, the slowest-varying first: a matrix of `rows` × `columns` is `[rows, columns]`. May
  /// be empty, for a single number, and may have zeros.
  package let shape: [Int]
  /// The product of ``shape``.
  package let elementCount: Int
  /// Where the first byte lies, from the beginning of the file; not aligned to anything.
  package let byteOffset: Int
  /// Bytes of all elements.
  package let byteCount: Int

  /// Where the byte after the last lies, from the beginning of the file.
  package var endOffset: Int { byteOffset + byteCount }
}
