package import MeshTypes

/// A model file in GGUF format, version 2 or 3, little-endian, mapped read-only into memory.
///
/// Opening reads and checks the header only; the tensors' bytes are paged in when they are used.
/// The file must not be written to or truncated while it is open (a truncation would end the process
/// with SIGBUS): replace model files by renaming.
package final class GGUFFile: Sendable {
  /// 2 or 3.
  package let version: UInt32
  /// The key-value pairs: hyperparameters, vocabulary, chat template.
  package let metadata: GGUFMetadata
  /// All tensors, in file order.
  package let tensors: [GGUFTensor]

  private let indices: [String: Int]
  private let mapping: FileMapping

  /// Opens and checks a file.
  ///
  /// - Parameter path: A regular file.
  /// - Throws: ``MeshError`` `notFound` or `failedPrecondition` when the file cannot be opened,
  ///   `corrupted` when it contradicts the format or itself, `unimplemented` for a version or tensor
  ///   type that Weft does not read. The field is the path, metadata key or tensor at fault.
  package init(path: String) throws(MeshError) {
    mapping = try FileMapping(path: path)
    let header = try GGUFHeader(parsing: mapping.bytes)
    version = header.version
    metadata = header.metadata
    tensors = header.tensors
    indices = Dictionary(
      uniqueKeysWithValues: header.tensors.enumerated().map { ($1.name, $0) }
    )
  }

  /// The tensor with a name.
  ///
  /// - Throws: ``MeshError`` `notFound` whose field is the name.
  package func tensor(named name: String) throws(MeshError) -> GGUFTensor {
    guard let index = indices[name] else {
      throw MeshError(.notFound, "the model has no tensor \(name.quoted)", field: name)
    }
    return tensors[index]
  }

  /// Whether there is a tensor with a name.
  package func hasTensor(named name: String) -> Bool { indices[name] != nil }

  /// The bytes of a tensor of this file, row after row, aligned to the file's alignment (32 bytes
  /// unless `general.alignment` says otherwise; at least 8).
  ///
  /// The bytes stay where they are as long as this object lives; who keeps a pointer to them must
  /// keep this object too.
  package func withBytes<R, E: Error>(
    of tensor: GGUFTensor,
    _ body: (UnsafeRawBufferPointer) throws(E) -> R
  ) throws(E) -> R {
    try mapping.withBytes(at: tensor.byteOffset, count: tensor.byteCount, body)
  }

  package var files: [FileIdentity] { [mapping.identity] }

  package func readAhead() { mapping.readAhead(0..<mapping.bytes.count) }

  /// The bytes of the whole file, for its digest.
  package func withContents<R, E: Error>(
    _ body: (UnsafeRawBufferPointer) throws(E) -> R
  ) throws(E) -> R {
    defer { withExtendedLifetime(mapping) {} }
    return try body(mapping.bytes)
  }
}
