package import MeshTypes

/// A safetensors file, mapped read-only into memory.
///
/// As for ``GGUFFile``, opening reads the header only, and the file must not be written to while it
/// is open.
package final class SafetensorsFile: Sendable {
  /// All tensors, in the order of their bytes.
  package let tensors: [SafetensorsTensor]

  private let mapping: FileMapping

  /// Opens and checks a file.
  ///
  /// - Throws: ``MeshError`` `notFound` or `failedPrecondition` when the file cannot be opened, what
  ///   ``SafetensorsHeader`` throws when it is wrong.
  package init(path: String) throws(MeshError) {
    mapping = try FileMapping(path: path)
    tensors = try SafetensorsHeader(parsing: mapping.bytes).tensors
  }

  /// The bytes of a tensor of this file, row after row, with no promise of alignment.
  ///
  /// They stay where they are as long as this object lives.
  package func withBytes<R, E: Error>(
    of tensor: SafetensorsTensor,
    _ body: (UnsafeRawBufferPointer) throws(E) -> R
  ) throws(E) -> R {
    try mapping.withBytes(at: tensor.byteOffset, count: tensor.byteCount, body)
  }

  /// The file as it was when it was opened.
  package var identity: FileIdentity { mapping.identity }

  /// Asks the system to read the whole file.
  package func readAhead() { mapping.readAhead(0..<mapping.bytes.count) }

  /// The bytes of the whole file, for its digest.
  package func withContents<R, E: Error>(
    _ body: (UnsafeRawBufferPointer) throws(E) -> R
  ) throws(E) -> R {
    defer { withExtendedLifetime(mapping) {} }
    return try body(mapping.bytes)
  }
}
