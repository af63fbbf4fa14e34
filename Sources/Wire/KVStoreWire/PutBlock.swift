package import BlockCache

/// A block, or a part of one, on its way into the store: `weft.kvstore.v1.PutRequest`.
package struct PutBlock: Sendable {
  /// Where to; empty after the first message of a call: as before.
  package var namespace: String
  /// The content key.
  package var key: BlockKey
  /// The CRC32C of the complete payload; in the message that completes it.
  package var checksum: UInt32?
  /// The complete payload's size; nil if this message has all of it.
  package var totalBytes: UInt64?
  /// Where this part begins.
  package var offset: UInt64
  /// The part's bytes.
  package var payload: BlockBytes

  package init(
    namespace: String = "",
    key: BlockKey,
    checksum: UInt32? = nil,
    totalBytes: UInt64? = nil,
    offset: UInt64 = 0,
    payload: BlockBytes
  ) {
    self.namespace = namespace
    self.key = key
    self.checksum = checksum
    self.totalBytes = totalBytes
    self.offset = offset
    self.payload = payload
  }
}
