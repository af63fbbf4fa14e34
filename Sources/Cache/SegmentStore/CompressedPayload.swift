import CStoreIO

/// A payload after an attempt to compress it.
struct CompressedPayload: ~Copyable {
  /// How it is compressed; nil if its record would not become smaller by an eighth at least.
  let form: CompressedForm?
  private let buffer: PageBuffer

  /// Compresses a payload.
  init(_ payload: RawSpan, _ compression: Compression) {
    let capacity = Compression.limit(payloadBytes: payload.byteCount)
    guard let codec = compression.codec, let level = compression.level, capacity > 0 else {
      form = nil
      buffer = PageBuffer(byteCount: 1)
      return
    }
    buffer = PageBuffer(byteCount: capacity)
    let target = buffer.at(0..<capacity)
    let byteCount = payload.withUnsafeBytes { bytes in
      wk_compress(
        bytes.baseAddress,
        bytes.count,
        target.baseAddress,
        target.count,
        Int32(level),
        codec == .zstdPlanes
      )
    }
    form =
      byteCount == 0
      ? nil
      : CompressedForm(
        codec: codec,
        byteCount: byteCount,
        checksum: buffer.checksum(of: 0..<byteCount)
      )
  }

  /// Lends the compressed bytes.
  borrowing func withBytes(_ body: (RawSpan) -> Void) {
    buffer.withBytes(in: 0..<(form?.byteCount ?? 0), body)
  }
}
