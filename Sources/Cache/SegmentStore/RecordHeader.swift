package import BlockCache

/// The page before a payload. docs/formats/segment.md has the byte offsets.
///
/// The payload begins at the next page, so that it can be read straight into page-aligned memory.
package struct RecordHeader: Hashable, Sendable {
  /// "WEFTREC" and a line feed, as a little-endian integer.
  static let magic: UInt64 = 0x0a43_4552_5446_4557
  /// Bytes that the header takes.
  package static let byteCount = PageBuffer.pageBytes
  private static let checkedBytes = 76
  /// The version of the headers of compressed payloads, which have more fields.
  private static let compressedVersion: UInt32 = 2
  private static let compressedCheckedBytes = 92

  /// The block's content key.
  package var key: BlockKey
  /// Bytes of the payload, before compression; at least 1.
  package var payloadBytes: Int
  /// Ever increasing within a store: of two records with one key the higher is the one in use.
  package var generation: UInt64
  /// ``SegmentHeader/nonce`` of the segment that it was written to.
  package var nonce: UInt64
  /// CRC32C of the payload, before compression.
  package var payloadChecksum: UInt32
  /// How the payload is compressed in the record; nil if it is there as it is.
  package var compressed: CompressedForm?

  /// Bytes behind the header, without the zeros that fill the last page.
  package var storedBytes: Int { compressed?.byteCount ?? payloadBytes }
  /// CRC32C of them.
  package var storedChecksum: UInt32 { compressed?.checksum ?? payloadChecksum }
  /// Bytes that header and payload take in the file.
  package var recordBytes: Int { Self.recordBytes(payloadBytes: storedBytes) }

  /// Bytes that a record takes in the file, whose payload takes `payloadBytes` there.
  package static func recordBytes(payloadBytes: Int) -> Int {
    byteCount + PageBuffer.wholePages(payloadBytes)
  }

  package init(
    key: BlockKey,
    payloadBytes: Int,
    generation: UInt64,
    nonce: UInt64,
    payloadChecksum: UInt32,
    compressed: CompressedForm? = nil
  ) {
    self.key = key
    self.payloadBytes = payloadBytes
    self.generation = generation
    self.nonce = nonce
    self.payloadChecksum = payloadChecksum
    self.compressed = compressed
  }

  /// Reads the header at `offset`.
  ///
  /// - Returns: nil unless magic, version, checksums and lengths are those of a record.
  package init?(from buffer: borrowing PageBuffer, at offset: Int = 0) {
    guard
      buffer.load(UInt64.self, at: offset) == Self.magic,
      case let version = buffer.load(UInt32.self, at: offset + 8),
      version == SegmentHeader.version || version == Self.compressedVersion,
      buffer.load(UInt32.self, at: offset + Self.checkedBytes)
        == buffer.checksum(of: offset..<offset + Self.checkedBytes),
      let payloadBytes = Int(exactly: buffer.load(UInt64.self, at: offset + 48)),
      (1...SegmentStoreSettings.maximumSegmentBytes).contains(payloadBytes),
      case let generation = buffer.load(UInt64.self, at: offset + 56),
      generation <= SegmentHeader.maximumCount
    else { return nil }
    key = buffer.loadKey(at: offset + 16)
    self.payloadBytes = payloadBytes
    self.generation = generation
    nonce = buffer.load(UInt64.self, at: offset + 64)
    payloadChecksum = buffer.load(UInt32.self, at: offset + 72)
    guard version == Self.compressedVersion else { return }
    compressed = Self.loadForm(from: buffer, at: offset)
    guard let compressed, compressed.byteCount < payloadBytes else { return nil }
  }

  private static func loadForm(
    from buffer: borrowing PageBuffer,
    at offset: Int
  ) -> CompressedForm? {
    guard
      buffer.load(UInt32.self, at: offset + compressedCheckedBytes)
        == buffer.checksum(of: offset..<offset + compressedCheckedBytes),
      let codec = PayloadCodec(rawValue: buffer.load(UInt32.self, at: offset + 12)),
      let byteCount = Int(exactly: buffer.load(UInt64.self, at: offset + 80)), byteCount > 0
    else { return nil }
    return CompressedForm(
      codec: codec,
      byteCount: byteCount,
      checksum: buffer.load(UInt32.self, at: offset + 88)
    )
  }

  /// Writes the header, a whole page, at `offset`.
  package func store(in buffer: inout PageBuffer, at offset: Int = 0) {
    buffer.clear(offset..<offset + Self.byteCount)
    buffer.store(Self.magic, at: offset)
    buffer.store(
      compressed == nil ? SegmentHeader.version : Self.compressedVersion,
      at: offset + 8
    )
    buffer.store(compressed?.codec.rawValue ?? 0, at: offset + 12)
    buffer.store(key, at: offset + 16)
    buffer.store(UInt64(payloadBytes), at: offset + 48)
    buffer.store(generation, at: offset + 56)
    buffer.store(nonce, at: offset + 64)
    buffer.store(payloadChecksum, at: offset + 72)
    buffer.store(
      buffer.checksum(of: offset..<offset + Self.checkedBytes),
      at: offset + Self.checkedBytes
    )
    guard let compressed else { return }
    buffer.store(UInt64(compressed.byteCount), at: offset + 80)
    buffer.store(compressed.checksum, at: offset + 88)
    buffer.store(
      buffer.checksum(of: offset..<offset + Self.compressedCheckedBytes),
      at: offset + Self.compressedCheckedBytes
    )
  }
}

extension PageBuffer {
  /// The 32 bytes at `offset` as a key.
  borrowing func loadKey(at offset: Int) -> BlockKey {
    var bytes: [UInt8] = []
    for byte in 0..<BlockKey.byteCount { bytes.append(load(UInt8.self, at: offset + byte)) }
    guard let key = BlockKey(bytes: bytes) else { preconditionFailure("a key has 32 bytes") }
    return key
  }

  mutating func store(_ key: BlockKey, at offset: Int) {
    copy(key.bytes.span.bytes, to: offset)
  }
}
