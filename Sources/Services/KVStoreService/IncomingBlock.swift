import BlockCache
import Checksum
import KVStoreWire
import TieredStore

/// A block that is on its way into the store. Used by one call alone.
final class IncomingBlock {
  let key: BlockKey
  let totalBytes: Int
  private(set) var receivedBytes = 0
  /// The CRC32C of what has been received.
  private(set) var checksum: UInt32 = 0
  /// Where its bytes go, if they go anywhere.
  var room: BlockReservation?
  /// Of what blocks in parts may keep from all others.
  var share: ByteBudget.Share?
  /// What to compare the bytes with, if the key is here.
  var present: FoundBlock?
  private(set) var hasSameBytes = true
  /// What to answer if there is neither room nor anything to compare with.
  var refusal = BlockOutcome.noRoom

  init(key: BlockKey, totalBytes: Int) {
    self.key = key
    self.totalBytes = totalBytes
  }

  /// Takes the next bytes, no more than are missing.
  func append(_ payload: BlockBytes) {
    payload.forEachPiece { piece in
      checksum = CRC32C.checksum(piece, after: checksum)
      room?.copy(piece, to: receivedBytes)
      if let present, hasSameBytes {
        hasSameBytes = present.hasSameBytes(as: piece, at: receivedBytes)
      }
      receivedBytes += piece.byteCount
    }
  }
}
