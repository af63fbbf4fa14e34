import MeshTypes

/// A tensor of a ``ModelFolder``, under its GGUF name.
struct FolderWeight: Sendable {
  let tensor: GGUFTensor
  let change: WeightOrigin.Change
  /// Where the numbers lie; nil if they are ``values``.
  let place: SafetensorsShards.Place?
  let values: [Float]
  /// The name in the folder.
  let sourceName: String

  /// - Throws: `unimplemented` for a type without kernels, `corrupted` for a shape that the change
  ///   does not fit. The field is the folder's name of the tensor.
  init(_ origin: WeightOrigin, _ place: SafetensorsShards.Place) throws(MeshError) {
    let source = place.tensor
    guard let type = source.type.tensorType else {
      throw MeshError(
        .unimplemented,
        "tensor \(source.name.quoted) must be F32, F16 or BF16, is \(source.type.rawValue)",
        field: source.name
      )
    }
    guard (1...GGUFLimits.dimensionCount).contains(source.shape.count), source.elementCount > 0
    else {
      throw MeshError(
        .corrupted,
        "tensor \(source.name.quoted) must have 1...\(GGUFLimits.dimensionCount) dimensions, "
          + "none of them 0, found \(source.shape)",
        field: source.name
      )
    }
    if case .neighbouringPairs(let headCount) = origin.change,
      !source.shape[0].isMultiple(of: 2 * headCount)
    {
      throw MeshError(
        .corrupted,
        "tensor \(source.name.quoted) must have a multiple of 2 * \(headCount) rows, "
          + "found \(source.shape)",
        field: source.name
      )
    }
    let changed = origin.change == .onePlus ? .f32 : type
    tensor = GGUFTensor(
      name: origin.name,
      type: changed,
      dimensions: source.shape.reversed(),
      byteOffset: source.byteOffset,
      byteCount: source.elementCount * changed.bytesPerBlock,
      elementCount: source.elementCount
    )
    change = origin.change
    self.place = place
    values = []
    sourceName = source.name
  }

  /// A vector that is computed.
  init(name: String, values: [Float]) {
    tensor = GGUFTensor(
      name: name,
      type: .f32,
      dimensions: [values.count],
      byteOffset: 0,
      byteCount: values.count * 4,
      elementCount: values.count
    )
    change = .none
    place = nil
    self.values = values
    sourceName = name
  }

  /// The bytes of ``values``.
  func withValues<R, E: Error>(
    _ body: (UnsafeRawBufferPointer) throws(E) -> R
  ) throws(E) -> R {
    let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: values.count * 4, alignment: 64)
    defer { copy.deallocate() }
    values.withUnsafeBytes { copy.copyMemory(from: $0) }
    return try body(UnsafeRawBufferPointer(copy))
  }

  /// Writes the numbers as GGUF files have them.
  ///
  /// - Parameters:
  ///   - source: The folder's bytes.
  ///   - target: As many bytes as the tensor has.
  func write(_ source: UnsafeRawBufferPointer, to target: UnsafeMutableRawBufferPointer) {
    switch change {
    case .none: target.copyMemory(from: source)
    case .neighbouringPairs(let headCount):
      let rowCount = tensor.dimensions[tensor.dimensions.count - 1]
      let half = rowCount / headCount / 2
      let rowBytes = source.count / rowCount
      for row in 0..<rowCount {
        let head = row / (2 * half), within = row % (2 * half)
        let from = head * 2 * half + within % 2 * half + within / 2
        UnsafeMutableRawBufferPointer(rebasing: target[(row * rowBytes)..<((row + 1) * rowBytes)])
          .copyMemory(
            from: UnsafeRawBufferPointer(
              rebasing: source[(from * rowBytes)..<((from + 1) * rowBytes)]
            )
          )
      }
    case .onePlus:
      for index in 0..<tensor.elementCount {
        target.storeBytes(
          of: 1 + element(index, of: source),
          toByteOffset: index * 4,
          as: Float.self
        )
      }
    }
  }

  /// A number of the folder's tensor.
  private func element(_ index: Int, of source: UnsafeRawBufferPointer) -> Float {
    switch place?.tensor.type {
    case .f16:
      let bits = source.loadUnaligned(fromByteOffset: index * 2, as: UInt16.self)
      return Float(Float16(bitPattern: UInt16(littleEndian: bits)))
    case .bf16:
      let bits = source.loadUnaligned(fromByteOffset: index * 2, as: UInt16.self)
      return Float(bitPattern: UInt32(UInt16(littleEndian: bits)) << 16)
    default:
      let bits = source.loadUnaligned(fromByteOffset: index * 4, as: UInt32.self)
      return Float(bitPattern: UInt32(littleEndian: bits))
    }
  }
}
