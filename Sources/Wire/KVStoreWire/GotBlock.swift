package import MeshProtos

/// A block on its way out of the store: `weft.kvstore.v1.GetResponse`.
package struct GotBlock: Sendable {
  /// The place of its key in the request.
  package var keyIndex: UInt32
  /// Where it was found.
  package var tier: Weft_Kvstore_V1_Tier
  /// The payload's CRC32C.
  package var checksum: UInt32
  /// As it was put.
  package var payload: BlockBytes

  package init(
    keyIndex: UInt32,
    tier: Weft_Kvstore_V1_Tier,
    checksum: UInt32,
    payload: BlockBytes
  ) {
    self.keyIndex = keyIndex
    self.tier = tier
    self.checksum = checksum
    self.payload = payload
  }
}
