import CCrypto

/// The keys under which a namespace's blocks lie where namespaces are not told apart, such as in
/// segments on disk: nobody can choose a key that is found under another namespace's.
package struct NamespaceKeySpace: Sendable {
  /// A tag of 7 bytes and half of the name's SHA-256: with a key the most that SHA-256 takes in one
  /// round.
  private let prefix: [UInt8]

  /// Creates the key space of a namespace.
  package init(namespace: String) {
    let message = Array("weft.store.keys.v1".utf8) + Array(namespace.utf8)
    var digest = [UInt8](repeating: 0, count: Int(SHA256_DIGEST_LENGTH))
    _ = SHA256(message, message.count, &digest)
    prefix = Array("weftkey".utf8) + digest.prefix(16)
  }

  /// The key that stands for `key` of this namespace.
  package func key(for key: BlockKey) -> BlockKey {
    let message = prefix + key.bytes
    var digest = [UInt8](repeating: 0, count: Int(SHA256_DIGEST_LENGTH))
    _ = SHA256(message, message.count, &digest)
    return BlockKey(from: digest.span.bytes, at: 0)
  }
}
