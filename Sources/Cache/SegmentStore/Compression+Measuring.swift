import CStoreIO

extension Compression {
  /// Whether a store would keep a payload compressed to so many bytes.
  package static func isWorthwhile(payloadBytes: Int, compressedBytes: Int) -> Bool {
    compressedBytes <= limit(payloadBytes: payloadBytes)
  }

  /// Compresses a payload, whether that is worthwhile or not: for measuring.
  package func compress(_ payload: RawSpan) -> [UInt8] {
    guard let level, let codec else { return payload.withUnsafeBytes { Array($0) } }
    let capacity = payload.byteCount + payload.byteCount / 16 + 1024
    return [UInt8](unsafeUninitializedCapacity: capacity) { target, count in
      count = payload.withUnsafeBytes { bytes in
        wk_compress(
          bytes.baseAddress,
          bytes.count,
          target.baseAddress,
          capacity,
          Int32(level),
          codec == .zstdPlanes
        )
      }
    }
  }

  /// Undoes ``compress(_:)``; empty if the bytes are none of a payload of that length.
  package func decompress(_ compressed: RawSpan, byteCount: Int) -> [UInt8] {
    guard let codec else { return compressed.withUnsafeBytes { Array($0) } }
    return [UInt8](unsafeUninitializedCapacity: byteCount) { target, count in
      let isWhole = compressed.withUnsafeBytes { bytes in
        wk_decompress(
          bytes.baseAddress,
          bytes.count,
          target.baseAddress,
          byteCount,
          codec == .zstdPlanes
        )
      }
      count = isWhole ? byteCount : 0
    }
  }
}
