package import MeshTypes

/// Everything that a GGUF file says before its tensors' bytes: version, metadata, and where the
/// tensors lie.
///
/// The format is little-endian: magic `GGUF`, version, tensor count, metadata count, the metadata,
/// the tensor descriptions, padding to `general.alignment`, the tensors' bytes
/// (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md).
package struct GGUFHeader: Sendable {
  /// 2 or 3, which differ only in that 3 knows big-endian files.
  package let version: UInt32
  package let metadata: GGUFMetadata
  /// In file order.
  package let tensors: [GGUFTensor]

  /// Reads the header of a file. Nothing in the file is trusted: see ``GGUFLimits``.
  ///
  /// - Parameter file: The bytes of the whole file.
  /// - Throws: `corrupted` if the bytes contradict the format or themselves; `unimplemented` for a
  ///   version, byte order or tensor type that Weft does not read. The error's field is the
  ///   metadata key, the tensor or the part of the file at fault.
  package init(parsing file: UnsafeRawBufferPointer) throws(MeshError) {
    var cursor = ByteCursor(
      UnsafeRawBufferPointer(rebasing: file.prefix(GGUFLimits.headerByteCount))
    )
    version = try Self.readVersion(&cursor)
    cursor.subject = "tensor_count"
    let tensorCount = try cursor.count(
      of: "tensors",
      limit: GGUFLimits.tensorCount,
      minimumByteCount: TensorDescription.minimumByteCount
    )
    cursor.subject = "metadata_kv_count"
    let metadataCount = try cursor.count(
      of: "metadata pairs",
      limit: GGUFLimits.metadataCount,
      minimumByteCount: 8 + 1 + 4 + 1
    )
    metadata = try GGUFMetadata(reading: metadataCount, from: &cursor)
    let alignment = try Self.alignment(metadata)

    var descriptions: [TensorDescription] = []
    descriptions.reserveCapacity(tensorCount)
    for index in 0..<tensorCount {
      cursor.subject = "tensor \(index)"
      descriptions.append(try TensorDescription(from: &cursor))
    }
    let start = (cursor.offset + alignment - 1) & ~(alignment - 1)
    tensors = try descriptions.map { (description) throws(MeshError) in
      try description.placed(from: start, alignment: alignment, fileByteCount: file.count)
    }
    try Self.checkDistinct(tensors)
  }

  private static func readVersion(_ cursor: inout ByteCursor) throws(MeshError) -> UInt32 {
    cursor.subject = "magic"
    guard try cursor.take(4).elementsEqual("GGUF".utf8) else {
      throw cursor.corrupted("the file does not begin with GGUF, so it is not a GGUF file")
    }
    cursor.subject = "version"
    let version = try cursor.integer(UInt32.self)
    guard (2...3).contains(version) else {
      let found = (1...3).contains(version.byteSwapped) ? "a big-endian file" : "\(version)"
      throw MeshError(
        .unimplemented,
        "GGUF version must be 2 or 3, little-endian, found \(found)",
        field: "version"
      )
    }
    return version
  }

  private static func alignment(_ metadata: GGUFMetadata) throws(MeshError) -> Int {
    let key = "general.alignment"
    guard let alignment = try metadata.integerIfPresent(key, in: GGUFLimits.alignment) else {
      return GGUFLimits.defaultAlignment
    }
    guard alignment & (alignment - 1) == 0 else {
      throw MeshError(
        .corrupted,
        "metadata key \(key.quoted) must be a power of two, found \(alignment)",
        field: key
      )
    }
    return alignment
  }

  private static func checkDistinct(_ tensors: [GGUFTensor]) throws(MeshError) {
    var names = Set<String>(minimumCapacity: tensors.count)
    for tensor in tensors where !names.insert(tensor.name).inserted {
      throw MeshError(
        .corrupted,
        "tensor \(tensor.name.quoted) appears twice",
        field: tensor.name
      )
    }
    let inOrder = tensors.sorted { $0.byteOffset < $1.byteOffset }
    for (tensor, next) in zip(inOrder, inOrder.dropFirst())
    where next.byteOffset < tensor.endOffset {
      throw MeshError(
        .corrupted,
        "tensor \(next.name.quoted) at offset \(next.byteOffset) overlaps tensor "
          + "\(tensor.name.quoted), which ends at \(tensor.endOffset)",
        field: next.name
      )
    }
  }
}
