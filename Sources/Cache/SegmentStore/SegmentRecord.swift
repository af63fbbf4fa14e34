package import BlockCache

/// A record as a segment's table lists it: what to expect where.
package struct SegmentRecord: Hashable, Sendable {
  /// Bytes of an entry in a segment's table.
  package static let tableEntryBytes = 64

  /// The block's content key.
  package var key: BlockKey
  /// Where the record's header begins in the file; whole pages.
  package var offset: Int
  /// Bytes of the payload, before compression.
  package var payloadBytes: Int
  /// Bytes that it has in the record: fewer if it is compressed.
  package var storedBytes: Int
  /// ``RecordHeader/generation``.
  package var generation: UInt64
  /// CRC32C of the payload, before compression.
  package var payloadChecksum: UInt32

  /// Bytes that header and payload take in the file.
  package var recordBytes: Int { RecordHeader.recordBytes(payloadBytes: storedBytes) }
  /// Bytes of memory that it is read to, with a page before the payload.
  var bufferBytes: Int { RecordHeader.recordBytes(payloadBytes: payloadBytes) }
  /// Whether the payload is compressed.
  package var isCompressed: Bool { storedBytes < payloadBytes }
  /// Where the record ends in the file.
  package var end: Int { offset + recordBytes }

  package init(
    key: BlockKey,
    offset: Int,
    payloadBytes: Int,
    storedBytes: Int,
    generation: UInt64,
    payloadChecksum: UInt32
  ) {
    self.key = key
    self.offset = offset
    self.payloadBytes = payloadBytes
    self.storedBytes = storedBytes
    self.generation = generation
    self.payloadChecksum = payloadChecksum
  }

  init(_ header: RecordHeader, offset: Int) {
    self.init(
      key: header.key,
      offset: offset,
      payloadBytes: header.payloadBytes,
      storedBytes: header.storedBytes,
      generation: header.generation,
      payloadChecksum: header.payloadChecksum
    )
  }

  /// Reads a table's entry.
  ///
  /// - Parameters:
  ///   - offset: Where the entry begins in `buffer`.
  ///   - limit: Where the table begins in the file: no record reaches beyond it.
  /// - Returns: nil unless the record lies on pages between the segment's header and `limit`.
  init?(from buffer: borrowing PageBuffer, at offset: Int, limit: Int) {
    guard
      let position = Int(exactly: buffer.load(UInt64.self, at: offset + 32)),
      let payloadBytes = Int(exactly: buffer.load(UInt64.self, at: offset + 40)),
      (1...SegmentStoreSettings.maximumSegmentBytes).contains(payloadBytes),
      case let compressedBytes = Int(buffer.load(UInt32.self, at: offset + 60)),
      compressedBytes < payloadBytes,
      case let storedBytes = compressedBytes > 0 ? compressedBytes : payloadBytes,
      position % PageBuffer.pageBytes == 0, position >= SegmentHeader.byteCount, position < limit,
      position + RecordHeader.recordBytes(payloadBytes: storedBytes) <= limit,
      case let generation = buffer.load(UInt64.self, at: offset + 48),
      generation <= SegmentHeader.maximumCount
    else { return nil }
    self.init(
      key: buffer.loadKey(at: offset),
      offset: position,
      payloadBytes: payloadBytes,
      storedBytes: storedBytes,
      generation: generation,
      payloadChecksum: buffer.load(UInt32.self, at: offset + 56)
    )
  }

  /// Writes a table's entry at `offset`.
  func store(in buffer: inout PageBuffer, at offset: Int) {
    buffer.store(key, at: offset)
    buffer.store(UInt64(self.offset), at: offset + 32)
    buffer.store(UInt64(payloadBytes), at: offset + 40)
    buffer.store(generation, at: offset + 48)
    buffer.store(payloadChecksum, at: offset + 56)
    buffer.store(UInt32(isCompressed ? storedBytes : 0), at: offset + 60)
  }

  /// Whether `header` is the one of this record in a segment of that nonce.
  func matches(_ header: RecordHeader, nonce: UInt64) -> Bool {
    header.key == key && header.payloadBytes == payloadBytes && header.nonce == nonce
      && header.generation == generation && header.payloadChecksum == payloadChecksum
      && header.storedBytes == storedBytes
  }
}
