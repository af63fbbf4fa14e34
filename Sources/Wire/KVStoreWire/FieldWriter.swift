import GRPCCore
import GRPCCoreTransport

/// Writes protobuf fields whose last one is a payload that is not copied.
///
/// As proto3 has it, a field without `optional` that is zero or empty is left out.
struct FieldWriter {
  private(set) var header: [UInt8] = []

  init() { header.reserveCapacity(128) }

  mutating func write(_ value: UInt64, field: UInt32) {
    guard value != 0 else { return }
    writeOptional(value, field: field)
  }

  mutating func writeOptional(_ value: UInt64?, field: UInt32) {
    guard let value else { return }
    tag(field, .varint)
    varint(value)
  }

  mutating func writeFixed32(_ value: UInt32, field: UInt32) {
    guard value != 0 else { return }
    writeOptionalFixed32(value, field: field)
  }

  mutating func writeOptionalFixed32(_ value: UInt32?, field: UInt32) {
    guard let value else { return }
    tag(field, .fixed32)
    for shift in stride(from: 0, to: 32, by: 8) {
      header.append(UInt8(truncatingIfNeeded: value >> UInt32(shift)))
    }
  }

  mutating func write(_ bytes: some Collection<UInt8>, field: UInt32) {
    guard !bytes.isEmpty else { return }
    tag(field, .lengthDelimited)
    varint(UInt64(bytes.count))
    header.append(contentsOf: bytes)
  }

  /// The message that ends with `payload`.
  consuming func finish<Bytes: GRPCContiguousBytes>(
    payload: BlockBytes,
    field: UInt32
  ) -> Bytes {
    if payload.byteCount > 0 {
      tag(field, .lengthDelimited)
      varint(UInt64(payload.byteCount))
    }
    if Bytes.self == SliceBytes.self {
      let message = SliceBytes(header: header, pieces: payload.pieces)
      if let message = message as? Bytes { return message }
    }
    header.reserveCapacity(header.count + payload.byteCount)
    payload.forEachPiece { piece in
      piece.withUnsafeBytes { header.append(contentsOf: $0) }
    }
    return Bytes(header)
  }

  private mutating func tag(_ field: UInt32, _ type: WireType) {
    varint(UInt64(field << 3 | UInt32(type.rawValue)))
  }

  private mutating func varint(_ value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      header.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    header.append(UInt8(rest))
  }
}
