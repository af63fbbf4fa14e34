import CCrypto

/// HMAC-SHA-256 (RFC 2104, FIPS 198-1) under one key, by libcrypto.
///
/// May be used from several threads at once.
package final class MessageAuthenticator: @unchecked Sendable {
  /// Bytes of a tag.
  package static let tagByteCount = 32

  /// Holds the key; every message works on a copy.
  private let keyed: OpaquePointer

  /// Takes a key over.
  ///
  /// - Parameter key: At least one byte; 32 are as strong as it gets.
  package init(key: [UInt8]) {
    precondition(!key.isEmpty, "a key has at least one byte")
    guard let algorithm = EVP_MAC_fetch(nil, "HMAC", nil),
      let context = EVP_MAC_CTX_new(algorithm)
    else { preconditionFailure("libcrypto has HMAC") }
    EVP_MAC_free(algorithm)
    let isReady = "SHA256".withCString { digest in
      let parameters = [
        OSSL_PARAM_construct_utf8_string(
          OSSL_MAC_PARAM_DIGEST,
          UnsafeMutablePointer(mutating: digest),
          0
        ),
        OSSL_PARAM_construct_end(),
      ]
      return EVP_MAC_init(context, key, key.count, parameters) == 1
    }
    precondition(isReady, "libcrypto has SHA-256")
    keyed = context
  }

  deinit { EVP_MAC_CTX_free(keyed) }

  /// Begins a message.
  package func begin() -> PartialMessage { PartialMessage(keyed) }

  /// The tag of a message that is given in pieces.
  ///
  /// - Parameter message: Calls its argument with each piece, in order.
  package func tag(of message: ((RawSpan) -> Void) -> Void) -> [UInt8] {
    let partial = begin()
    message { partial.append($0) }
    return partial.tag()
  }

  /// A message of which there may be more to come. Used by one thread at a time.
  package final class PartialMessage: @unchecked Sendable {
    private let context: OpaquePointer

    fileprivate init(_ keyed: OpaquePointer) {
      guard let context = EVP_MAC_CTX_dup(keyed) else { preconditionFailure("out of memory") }
      self.context = context
    }

    deinit { EVP_MAC_CTX_free(context) }

    /// Takes the next piece.
    package func append(_ piece: RawSpan) {
      piece.withUnsafeBytes { bytes in
        _ = EVP_MAC_update(context, bytes.bindMemory(to: UInt8.self).baseAddress, bytes.count)
      }
    }

    /// The tag of the whole message, after which nothing more is asked of it.
    package func tag() -> [UInt8] {
      var tag = [UInt8](repeating: 0, count: MessageAuthenticator.tagByteCount)
      var count = 0
      let isDone = EVP_MAC_final(context, &tag, &count, tag.count) == 1
      precondition(isDone && count == tag.count, "an HMAC-SHA-256 has 32 bytes")
      return tag
    }
  }

  /// Whether two tags are equal, in a time that does not tell where they differ.
  package static func areEqual(_ tag: [UInt8], _ other: [UInt8]) -> Bool {
    tag.count == other.count && CRYPTO_memcmp(tag, other, tag.count) == 0
  }
}
