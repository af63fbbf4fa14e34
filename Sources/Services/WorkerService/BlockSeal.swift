import BlockCache
import Checksum
import KVStoreWire

/// What makes a block in the store a block of this mesh: a tag that only its workers can make.
///
/// In the store a block is its bytes followed by HMAC-SHA-256(mesh key, context ‖ bytes), where the
/// context names what the bytes are said to be: namespace and content key. So neither the store nor
/// anybody who writes to it can make a worker take other bytes for a block's.
struct BlockSeal: Sendable {
  static let byteCount = MessageAuthenticator.tagByteCount

  private let authenticator: MessageAuthenticator

  init(_ authenticator: MessageAuthenticator) { self.authenticator = authenticator }

  /// The tag of a block's bytes.
  func tag(of bytes: BlockBytes, key: BlockKey, namespace: String) -> [UInt8] {
    let message = begin(key: key, namespace: namespace)
    bytes.forEachPiece { message.append($0) }
    return message.tag()
  }

  /// What becomes a block's tag with all of its bytes appended.
  func begin(key: BlockKey, namespace: String) -> MessageAuthenticator.PartialMessage {
    let message = authenticator.begin()
    message.append(Self.context(key, namespace).span.bytes)
    return message
  }

  /// The bytes of a block as it came from the store; nil if it is not authentic.
  func open(_ payload: BlockBytes, key: BlockKey, namespace: String) -> BlockBytes? {
    guard payload.byteCount > Self.byteCount else { return nil }
    let end = payload.byteCount - Self.byteCount
    let bytes = payload[0..<end]
    let tag = tag(of: bytes, key: key, namespace: namespace)
    let isAuthentic = MessageAuthenticator.areEqual(tag, payload[end..<payload.byteCount].array)
    return isAuthentic ? bytes : nil
  }

  /// Every field has its length before it or is of fixed length: no two contexts are the same bytes.
  private static func context(_ key: BlockKey, _ namespace: String) -> [UInt8] {
    let name = Array(namespace.utf8)
    let length = (0..<4).map { UInt8(truncatingIfNeeded: name.count >> (8 * $0)) }
    return Array("weft.block.seal.v1".utf8) + length + name + key.bytes
  }
}
