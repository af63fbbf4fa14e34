import CChecksum

/// The checksum of headers and payloads: CRC32C (Castagnoli), as RFC 3720 defines it.
package enum CRC32C {
  /// Whether the processor's own instruction does the work.
  package static var isAccelerated: Bool { wk_crc32c_is_accelerated() }

  /// The checksum of `bytes`.
  ///
  /// - Parameters:
  ///   - bytes: What to sum up.
  ///   - preceding: The checksum of the bytes that stand before these, or 0.
  package static func checksum(_ bytes: RawSpan, after preceding: UInt32 = 0) -> UInt32 {
    bytes.withUnsafeBytes { wk_crc32c(preceding, $0.baseAddress, $0.count) }
  }

  /// The checksum of memory that no span covers.
  package static func checksum(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
    wk_crc32c(0, bytes.baseAddress, bytes.count)
  }

  /// The same by the definition, a byte at a time.
  package static func portableChecksum(_ bytes: RawSpan, after preceding: UInt32 = 0) -> UInt32 {
    bytes.withUnsafeBytes { wk_crc32c_portable(preceding, $0.baseAddress, $0.count) }
  }
}
