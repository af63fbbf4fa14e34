import CCrypto

/// The store's namespace of a tenant: what its quota is about.
///
/// Blocks of different salts have different keys already; the namespace also keeps their room apart.
package enum TenantNamespace {
  /// The namespace of everybody without a salt.
  package static let shared = "shared"

  /// A name that does not tell the salt: `tenant-` and half of a SHA-256 in hexadecimal digits.
  package static func name(ofSalt salt: [UInt8]) -> String {
    guard !salt.isEmpty else { return shared }
    let message = Array("weft.store.namespace.v1".utf8) + salt
    var digest = [UInt8](repeating: 0, count: Int(SHA256_DIGEST_LENGTH))
    _ = SHA256(message, message.count, &digest)
    return "tenant-"
      + digest.prefix(16).map { byte in
        (byte < 16 ? "0" : "") + String(byte, radix: 16)
      }.joined()
  }
}
