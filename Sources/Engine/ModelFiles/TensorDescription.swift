import MeshTypes

/// A tensor as a GGUF header describes it, before its place in the file is known to be good.
struct TensorDescription {
  /// A name of one letter, a dimension, type and offset.
  static let minimumByteCount = (8 + 1) + (4 + 8) + 4 + 8

  let name: String
  let type: TensorType
  let dimensions: [Int]
  let elementCount: Int
  let byteCount: Int
  /// From the beginning of the tensors' bytes.
  let relativeOffset: UInt64

  /// Reads one description; `cursor.subject` becomes the tensor's name.
  init(from cursor: inout ByteCursor) throws(MeshError) {
    name = try cursor.string(maximumByteCount: GGUFLimits.tensorNameByteCount)
    guard !name.isEmpty else { throw cursor.corrupted("the tensor's name is empty") }
    cursor.subject = name
    let rank = try cursor.integer(UInt32.self)
    guard rank >= 1, rank <= UInt32(GGUFLimits.dimensionCount) else {
      throw cursor.corrupted(
        "a tensor must have 1...\(GGUFLimits.dimensionCount) dimensions, found \(rank)"
      )
    }
    var dimensions: [Int] = []
    var elementCount = 1
    for _ in 0..<rank {
      let size = try cursor.integer(UInt64.self)
      guard size > 0, let dimension = Int(exactly: size) else {
        throw cursor.corrupted("dimension \(dimensions.count) is \(size)")
      }
      let (product, overflow) = elementCount.multipliedReportingOverflow(by: dimension)
      guard !overflow else {
        throw cursor.corrupted("the number of elements, \(dimensions + [dimension]), overflows")
      }
      dimensions.append(dimension)
      elementCount = product
    }
    type = try Self.readType(&cursor)
    byteCount = try Self.byteCount(dimensions[0], elementCount, type, cursor)
    relativeOffset = try cursor.integer()
    self.dimensions = dimensions
    self.elementCount = elementCount
  }

  private static func readType(_ cursor: inout ByteCursor) throws(MeshError) -> TensorType {
    let number = try cursor.integer(UInt32.self)
    guard let type = TensorType(ggmlType: number) else {
      let accepted = TensorType.allCases.map { "\($0) (\($0.ggmlType))" }.joined(separator: ", ")
      throw MeshError(
        .unimplemented,
        "tensor \(cursor.subject.quoted) has the unsupported ggml type \(number); "
          + "Weft computes with \(accepted)",
        field: cursor.subject
      )
    }
    return type
  }

  private static func byteCount(
    _ rowLength: Int,
    _ elementCount: Int,
    _ type: TensorType,
    _ cursor: ByteCursor
  ) throws(MeshError) -> Int {
    guard rowLength.isMultiple(of: type.elementsPerBlock) else {
      throw cursor.corrupted(
        "dimension 0 must be a multiple of \(type)'s \(type.elementsPerBlock), found \(rowLength)"
      )
    }
    let (byteCount, overflow) = (elementCount / type.elementsPerBlock)
      .multipliedReportingOverflow(by: type.bytesPerBlock)
    guard !overflow else {
      throw cursor.corrupted("\(elementCount) elements of type \(type) overflow")
    }
    return byteCount
  }

  /// The tensor at its place in the file.
  ///
  /// - Parameters:
  ///   - start: Where the tensors' bytes begin.
  ///   - alignment: What `relativeOffset` must be a multiple of.
  ///   - fileByteCount: Where they must end.
  func placed(
    from start: Int,
    alignment: Int,
    fileByteCount: Int
  ) throws(MeshError) -> GGUFTensor {
    guard relativeOffset.isMultiple(of: UInt64(alignment)) else {
      throw corrupted("offset \(relativeOffset) is not a multiple of the alignment \(alignment)")
    }
    guard
      let relativeOffset = Int(exactly: relativeOffset),
      case let (offset, false) = start.addingReportingOverflow(relativeOffset),
      case let (end, false) = offset.addingReportingOverflow(byteCount), end <= fileByteCount
    else {
      throw corrupted(
        "\(byteCount) bytes at offset \(start) + \(relativeOffset) reach past the end of the file, "
          + "which has \(fileByteCount) bytes"
      )
    }
    return GGUFTensor(
      name: name,
      type: type,
      dimensions: dimensions,
      byteOffset: offset,
      byteCount: byteCount,
      elementCount: elementCount
    )
  }

  private func corrupted(_ message: String) -> MeshError {
    MeshError(.corrupted, "tensor \(name.quoted): \(message)", field: name)
  }
}
