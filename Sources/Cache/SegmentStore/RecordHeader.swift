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

  /// The block's content key.
  package var key: BlockKey
  /// Bytes of payload, without the zeros that fill its last page; at least 1.
  package var payloadBytes: Int
  /// Ever increasing within a store: of two records with one key the higher is the one in use.
  package var generation: UInt64
  /// ``SegmentHeader/nonce`` of the segment that it was written to.
  package var nonce: UInt64
  /// CRC32C of the payload.
  package var payloadChecksum: UInt32

  /// Bytes that header and payload take in the file.
  package var recordBytes: Int { Self.recordBytes(payloadBytes: payloadBytes) }

  /// Bytes that a record takes in the file.
  package static func recordBytes(payloadBytes: Int) -> Int {
    byteCount + PageBuffer.wholePages(payloadBytes)
  }

  package init(
    key: BlockKey,
    payloadBytes: Int,
    generation: UInt64,
    nonce: UInt64,
    payloadChecksum: UInt32
  ) {
    self.key = key
    self.payloadBytes = payloadBytes
    self.generation = generation
    self.nonce = nonce
    self.payloadChecksum = payloadChecksum
  }

  /// Reads the header at `offset`.
  ///
  /// - Returns: nil unless magic, version, checksum and length are those of a record.
  package init?(from buffer: borrowing PageBuffer, at offset: Int = 0) {
    guard
      buffer.load(UInt64.self, at: offset) == Self.magic,
      buffer.load(UInt32.self, at: offset + 8) == SegmentHeader.version,
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
  }

  /// Writes the header, a whole page, at `offset`.
  package func store(in buffer: inout PageBuffer, at offset: Int = 0) {
    buffer.clear(offset..<offset + Self.byteCount)
    buffer.store(Self.magic, at: offset)
    buffer.store(SegmentHeader.version, at: offset + 8)
    buffer.store(key, at: offset + 16)
    buffer.store(UInt64(payloadBytes), at: offset + 48)
    buffer.store(generation, at: offset + 56)
    buffer.store(nonce, at: offset + 64)
    buffer.store(payloadChecksum, at: offset + 72)
    buffer.store(
      buffer.checksum(of: offset..<offset + Self.checkedBytes),
      at: offset + Self.checkedBytes
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
