import ModelFiles

/// Writes GGUF files for tests: small models, and files that are wrong on purpose.
///
/// Nothing is checked. Tensor offsets are dealt out in order, aligned, unless a tensor sets its own.
struct GGUFWriter {
  /// One tensor: its description and its bytes, which may disagree.
  struct Tensor {
    var name: String
    var ggmlType: UInt32
    var dimensions: [UInt64]
    var bytes: [UInt8]
    /// From the beginning of the tensors' bytes; nil for the next free place.
    var offset: UInt64?
  }

  var magic: [UInt8] = Array("GGUF".utf8)
  var version: UInt32 = 3
  var metadata: [(key: String, value: GGUFValue)] = []
  var tensors: [Tensor] = []
  var alignment = 32
  /// Written in place of the true counts when set.
  var claimedMetadataCount: UInt64?
  var claimedTensorCount: UInt64?

  init() {}

  mutating func add(_ key: String, _ value: GGUFValue) {
    metadata.append((key, value))
  }

  /// Adds a tensor; its bytes are zeros unless given.
  mutating func add(
    tensor name: String,
    type: TensorType = .f32,
    dimensions: [Int],
    bytes: [UInt8]? = nil
  ) {
    let count = dimensions.reduce(1, *) / type.elementsPerBlock * type.bytesPerBlock
    tensors.append(
      Tensor(
        name: name,
        ggmlType: type.ggmlType,
        dimensions: dimensions.map { UInt64($0) },
        bytes: bytes ?? [UInt8](repeating: 0, count: count)
      )
    )
  }

  /// Adds a tensor of 32-bit floats.
  mutating func add(tensor name: String, dimensions: [Int], floats: [Float]) {
    add(tensor: name, dimensions: dimensions, bytes: floats.flatMap { littleEndian($0.bitPattern) })
  }

  /// The file's bytes.
  func encoded() -> [UInt8] {
    var file = magic + littleEndian(version)
    file += littleEndian(claimedTensorCount ?? UInt64(tensors.count))
    file += littleEndian(claimedMetadataCount ?? UInt64(metadata.count))
    for (key, value) in metadata {
      file += encode(key) + littleEndian(value.type.rawValue) + encode(value)
    }
    var contents: [UInt8] = []
    for tensor in tensors {
      contents.pad(to: alignment)
      file += encode(tensor.name) + littleEndian(UInt32(tensor.dimensions.count))
      for dimension in tensor.dimensions { file += littleEndian(dimension) }
      file += littleEndian(tensor.ggmlType)
      file += littleEndian(tensor.offset ?? UInt64(contents.count))
      contents += tensor.bytes
    }
    file.pad(to: alignment)
    return file + contents
  }

  private func encode(_ string: String) -> [UInt8] {
    littleEndian(UInt64(string.utf8.count)) + Array(string.utf8)
  }

  private func encode(_ value: GGUFValue) -> [UInt8] {
    switch value {
    case .uint8(let value): littleEndian(value)
    case .int8(let value): littleEndian(value)
    case .uint16(let value): littleEndian(value)
    case .int16(let value): littleEndian(value)
    case .uint32(let value): littleEndian(value)
    case .int32(let value): littleEndian(value)
    case .uint64(let value): littleEndian(value)
    case .int64(let value): littleEndian(value)
    case .float32(let value): littleEndian(value.bitPattern)
    case .float64(let value): littleEndian(value.bitPattern)
    case .boolean(let value): [value ? 1 : 0]
    case .string(let value): encode(value)
    case .array(let elements): encode(elements)
    }
  }

  private func encode(_ elements: GGUFValue.Elements) -> [UInt8] {
    let (count, bytes) =
      switch elements {
      case .uint8(let values): (values.count, values)
      case .int8(let values): (values.count, values.flatMap(littleEndian))
      case .uint16(let values): (values.count, values.flatMap(littleEndian))
      case .int16(let values): (values.count, values.flatMap(littleEndian))
      case .uint32(let values): (values.count, values.flatMap(littleEndian))
      case .int32(let values): (values.count, values.flatMap(littleEndian))
      case .uint64(let values): (values.count, values.flatMap(littleEndian))
      case .int64(let values): (values.count, values.flatMap(littleEndian))
      case .float32(let values): (values.count, values.flatMap { littleEndian($0.bitPattern) })
      case .float64(let values): (values.count, values.flatMap { littleEndian($0.bitPattern) })
      case .boolean(let values): (values.count, values.map { $0 ? 1 : 0 })
      case .string(let values): (values.count, values.flatMap(encode))
      case .array(let values): (values.count, values.flatMap(encode))
      }
    return littleEndian(elements.elementType.rawValue) + littleEndian(UInt64(count)) + bytes
  }
}

private func littleEndian<T: FixedWidthInteger>(_ value: T) -> [UInt8] {
  withUnsafeBytes(of: value.littleEndian) { Array($0) }
}

extension [UInt8] {
  fileprivate mutating func pad(to alignment: Int) {
    while !count.isMultiple(of: alignment) { append(0) }
  }
}
