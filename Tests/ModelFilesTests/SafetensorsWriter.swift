import MeshTypes
import ModelFiles

/// Writes safetensors files for tests, and such that are wrong on purpose. Nothing is checked.
struct SafetensorsWriter {
  /// A tensor's entry in the header, as JSON text, and its bytes.
  struct Tensor {
    var name: String
    var dtype: String
    var shape: String
    var bytes: [UInt8]
    /// `[begin, end]`; nil for the next free place.
    var offsets: String?
  }

  var tensors: [Tensor] = []
  /// Put into the header as it is.
  var extra = #""__metadata__":{"format":"pt"}"#
  /// Written in place of the header's true length when set.
  var claimedHeaderByteCount: UInt64?

  mutating func add(
    _ name: String,
    _ dtype: String = "F32",
    _ shape: String,
    byteCount: Int,
    offsets: String? = nil
  ) {
    tensors.append(
      Tensor(
        name: name,
        dtype: dtype,
        shape: shape,
        bytes: (0..<byteCount).map { UInt8(truncatingIfNeeded: $0) },
        offsets: offsets
      )
    )
  }

  /// The header's text.
  var header: String {
    var entries = extra.isEmpty ? [] : [extra]
    var offset = 0
    for tensor in tensors {
      let end = offset + tensor.bytes.count
      let offsets = tensor.offsets ?? "[\(offset),\(end)]"
      entries.append(
        #""\#(tensor.name)":{"dtype":"\#(tensor.dtype)","shape":\#(tensor.shape),"#
          + #""data_offsets":\#(offsets)}"#
      )
      offset = end
    }
    return "{\(entries.joined(separator: ","))}"
  }

  /// The file's bytes.
  func encoded() -> [UInt8] {
    let header = Array(self.header.utf8)
    let count = claimedHeaderByteCount ?? UInt64(header.count)
    return (0..<8).map { UInt8(truncatingIfNeeded: count >> (8 * $0)) } + header
      + tensors.flatMap(\.bytes)
  }
}

func parseSafetensors(_ file: [UInt8]) throws -> SafetensorsHeader {
  try file.withUnsafeBytes { (bytes) throws(MeshError) in
    try SafetensorsHeader(parsing: bytes)
  }
}
