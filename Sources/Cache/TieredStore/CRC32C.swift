import CStoreMemory

/// The Castagnoli checksum that guards payloads at rest, as in RFC 3720.
package enum CRC32C {
  /// The checksum of `bytes`.
  ///
  /// - Parameter start: The checksum of what comes before them; 0 for nothing.
  package static func checksum(_ bytes: UnsafeRawBufferPointer, from start: UInt32 = 0) -> UInt32 {
    wk_crc32c(start, bytes.baseAddress, bytes.count)
  }

  /// The checksum of `bytes`.
  package static func checksum(_ bytes: RawSpan, from start: UInt32 = 0) -> UInt32 {
    bytes.withUnsafeBytes { checksum($0, from: start) }
  }

  /// The same without the CPU's instruction, for comparison.
  package static func portableChecksum(_ bytes: RawSpan, from start: UInt32 = 0) -> UInt32 {
    bytes.withUnsafeBytes { wk_crc32c_portable(start, $0.baseAddress, $0.count) }
  }
}
