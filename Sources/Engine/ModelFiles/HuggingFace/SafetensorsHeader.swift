import JSONText
package import MeshTypes

/// What a safetensors file says before its tensors' bytes.
///
/// The format: the header's length in 64 bits, little-endian, at most 100 MB; the header, a JSON
/// object of tensors and `__metadata__`; the tensors' bytes, without gaps
/// (https://github.com/huggingface/safetensors).
package struct SafetensorsHeader: Sendable {
  /// In the order of their bytes.
  package let tensors: [SafetensorsTensor]

  /// Reads the header of a file. Nothing in the file is trusted: see ``SafetensorsLimits``.
  ///
  /// - Parameter file: The bytes of the whole file.
  /// - Throws: `corrupted` if the bytes contradict the format or themselves; `unimplemented` for a
  ///   dtype that is not known. The error's field is the tensor or the part of the file at fault.
  package init(parsing file: UnsafeRawBufferPointer) throws(MeshError) {
    var cursor = ByteCursor(file)
    cursor.subject = "header length"
    let length = try cursor.integer(UInt64.self)
    guard length <= UInt64(SafetensorsLimits.headerByteCount) else {
      throw cursor.corrupted(
        "must be at most \(SafetensorsLimits.headerByteCount) bytes, is \(length)"
      )
    }
    guard length <= UInt64(cursor.remaining) else {
      throw cursor.corrupted("is \(length), but the file ends after \(cursor.remaining)")
    }
    let text = try cursor.take(Int(length))
    let start = cursor.offset
    let header = JSONField(
      try JSONValue(
        parsing: Array(text),
        subject: "header",
        limits: SafetensorsLimits.header
      ),
      path: ""
    )
    guard case .object(let members) = header.value else {
      throw MeshError(.corrupted, "header must be an object", field: "header")
    }
    guard members.count <= SafetensorsLimits.tensorCount else {
      throw MeshError(
        .corrupted,
        "header must have at most \(SafetensorsLimits.tensorCount) tensors, has \(members.count)",
        field: "header"
      )
    }
    var tensors: [SafetensorsTensor] = []
    tensors.reserveCapacity(members.count)
    var names = Set<String>(minimumCapacity: members.count)
    for (name, value) in members.lazy.map({ ($0.key, $0.value) }) {
      guard names.insert(name).inserted else {
        throw MeshError(.corrupted, "tensor \(name.quoted) appears twice", field: name)
      }
      guard name != "__metadata__" else { continue }
      let field = JSONField(value, path: name)
      tensors.append(
        try SafetensorsTensor(name, field, start: start, end: file.count)
      )
    }
    tensors.sort { ($0.byteOffset, $0.endOffset) < ($1.byteOffset, $1.endOffset) }
    try Self.checkContiguous(tensors, start: start, end: file.count)
    self.tensors = tensors
  }

  /// As the format's own library does: no byte belongs to two tensors, or to none.
  private static func checkContiguous(
    _ tensors: [SafetensorsTensor],
    start: Int,
    end: Int
  ) throws(MeshError) {
    var expected = start
    for tensor in tensors {
      guard tensor.byteOffset == expected else {
        let what = tensor.byteOffset < expected ? "overlaps" : "leaves a gap behind"
        throw MeshError(
          .corrupted,
          "tensor \(tensor.name.quoted) at offset \(tensor.byteOffset) \(what) the one before, "
            + "which ends at \(expected)",
          field: tensor.name
        )
      }
      expected = tensor.endOffset
    }
    guard expected == end else {
      throw MeshError(
        .corrupted,
        "the file has \(end) bytes, but its tensors end at \(expected)",
        field: "header"
      )
    }
  }
}

extension SafetensorsTensor {
  /// Reads `{"dtype": "BF16", "shape": [2, 3], "data_offsets": [0, 12]}`.
  fileprivate init(
    _ name: String,
    _ field: JSONField,
    start: Int,
    end: Int
  ) throws(MeshError) {
    func corrupted(_ message: String) -> MeshError {
      MeshError(.corrupted, "tensor \(name.quoted): \(message)", field: name)
    }
    guard (1...SafetensorsLimits.nameByteCount).contains(name.utf8.count) else {
      throw corrupted("the name must have 1...\(SafetensorsLimits.nameByteCount) bytes")
    }
    self.name = name
    do throws(MeshError) {
      let dtype = try field.member("dtype").string()
      guard let type = SafetensorsType(rawValue: dtype) else {
        let accepted = SafetensorsType.allCases.map(\.rawValue).joined(separator: ", ")
        throw MeshError(.unimplemented, "dtype must be one of \(accepted), is \(dtype.quoted)")
      }
      self.type = type
      let sizes = try field.member("shape").elements()
      guard sizes.count <= SafetensorsLimits.dimensionCount else {
        throw corrupted("must have at most \(SafetensorsLimits.dimensionCount) dimensions")
      }
      let shape = try sizes.map { (size) throws(MeshError) in try size.integer(in: 0 ... .max) }
      let (elements, bytes) = try Self.counts(shape, type)
      self.shape = shape
      elementCount = elements
      byteCount = bytes
      let offsets = try field.member("data_offsets").elements()
        .map { (offset) throws(MeshError) in try offset.integer(in: 0...(end - start)) }
      guard offsets.count == 2, offsets[0] <= offsets[1] else {
        throw corrupted("data_offsets must be a begin and an end in 0...\(end - start)")
      }
      guard offsets[1] - offsets[0] == bytes else {
        throw corrupted(
          "\(type.rawValue) \(shape) takes \(bytes) bytes, data_offsets are \(offsets)"
        )
      }
      byteOffset = start + offsets[0]
    } catch {
      throw MeshError(error.code, error.message, field: name)
    }
  }

  private static func counts(
    _ shape: [Int],
    _ type: SafetensorsType
  ) throws(MeshError) -> (elements: Int, bytes: Int) {
    var elements = 1
    for size in shape {
      let (product, overflow) = elements.multipliedReportingOverflow(by: size)
      guard !overflow else { throw MeshError(.corrupted, "the shape \(shape) overflows") }
      elements = product
    }
    let (bytes, overflow) = elements.multipliedReportingOverflow(by: type.byteCount)
    guard !overflow else { throw MeshError(.corrupted, "the shape \(shape) overflows") }
    return (elements, bytes)
  }
}
