import CStoreIO

/// The codec of a compressed payload, as a record's header has it.
package enum PayloadCodec: UInt32, Hashable, Sendable {
  case zstd = 1
  case zstdPlanes = 2
}

/// How a payload is compressed in its record.
package struct CompressedForm: Hashable, Sendable {
  package var codec: PayloadCodec
  /// Bytes after compression: less than the payload's.
  package var byteCount: Int
  /// CRC32C of them.
  package var checksum: UInt32

  package init(codec: PayloadCodec, byteCount: Int, checksum: UInt32) {
    self.codec = codec
    self.byteCount = byteCount
    self.checksum = checksum
  }

  /// Decompresses to `target` of `buffer`, and never beyond it.
  ///
  /// - Parameter source: Where the compressed bytes begin in `compressed`.
  /// - Returns: Whether they are a payload of exactly `target.count` bytes.
  func decompress(
    _ compressed: borrowing PageBuffer,
    at source: Int,
    to target: Range<Int>,
    of buffer: inout PageBuffer
  ) -> Bool {
    wk_decompress(
      compressed.at(source..<source + byteCount).baseAddress,
      byteCount,
      buffer.at(target).baseAddress,
      target.count,
      codec == .zstdPlanes
    )
  }
}
