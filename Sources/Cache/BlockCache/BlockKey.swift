import CCrypto
package import MeshTypes

/// The content key of a full KV block: a SHA-256 over everything that decides the block's bytes.
///
/// `key(i) = SHA-256(key(i-1) ‖ token ids of block i as little-endian UInt32)`, and `key(-1)` is
/// ``root(modelDigest:numericsID:layout:blockSizeTokens:tenantSalt:)``. Equal keys mean equal
/// bytes.
package struct BlockKey: Hashable, Sendable, CustomStringConvertible {
  /// The number of bytes in a key.
  package static let byteCount = 32

  // Four words rather than an array: a key is copied and compared without touching the heap.
  private var word0: UInt64
  private var word1: UInt64
  private var word2: UInt64
  private var word3: UInt64

  /// Creates a key from its 32 bytes.
  ///
  /// - Returns: nil unless there are exactly ``byteCount`` bytes.
  package init?(bytes: some Collection<UInt8>) {
    guard bytes.count == Self.byteCount else { return nil }
    var iterator = bytes.makeIterator()
    func word() -> UInt64 {
      (0..<8).reduce(UInt64(0)) { word, byte in
        word | UInt64(iterator.next() ?? 0) << (8 * UInt64(byte))
      }
    }
    self.word0 = word()
    self.word1 = word()
    self.word2 = word()
    self.word3 = word()
  }

  /// Creates a key from the 32 bytes at `offset` of `bytes`, which must have them.
  package init(from bytes: RawSpan, at offset: Int) {
    precondition(
      offset >= 0 && bytes.byteCount - offset >= Self.byteCount,
      "a key has \(Self.byteCount) bytes"
    )
    func word(_ number: Int) -> UInt64 {
      UInt64(
        littleEndian: bytes.unsafeLoadUnaligned(
          fromByteOffset: offset + 8 * number,
          as: UInt64.self
        )
      )
    }
    word0 = word(0)
    word1 = word(1)
    word2 = word(2)
    word3 = word(3)
  }

  /// The key's 32 bytes, as SHA-256 gives them.
  package var bytes: [UInt8] {
    [word0, word1, word2, word3].flatMap { word in
      (0..<8).map { UInt8(truncatingIfNeeded: word >> (8 * $0)) }
    }
  }

  /// The first eight bytes, little-endian: evenly spread, to place keys by.
  package var leadingWord: UInt64 { word0 }

  /// One word suffices: SHA-256 spreads evenly, and choosing it would mean breaking SHA-256.
  package func hash(into hasher: inout Hasher) {
    hasher.combine(word0)
  }

  /// The first 16 hexadecimal digits, enough for logs.
  package var description: String {
    let digits = String(word0.byteSwapped, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }
}

extension BlockKey {
  /// The key before a sequence's first block: what a block's bytes depend on besides the tokens.
  ///
  /// Every field is preceded by its length, so that no two different inputs hash the same bytes.
  ///
  /// - Parameters:
  ///   - modelDigest: The digest of the model's weights.
  ///   - numericsID: The name of the kernels' rounding behaviour.
  ///   - layout: The KV memory's layout and element type.
  ///   - blockSizeTokens: Tokens in a block.
  ///   - tenantSalt: See ``salted(by:)``.
  package static func root(
    modelDigest: [UInt8],
    numericsID: String,
    layout: String,
    blockSizeTokens: Int,
    tenantSalt: [UInt8] = []
  ) -> Self {
    let fields: [[UInt8]] = [
      Array("weft.block.root.v1".utf8), modelDigest, Array(numericsID.utf8), Array(layout.utf8),
      littleEndian(UInt64(blockSizeTokens)),
    ]
    return digest(of: fields.flatMap { littleEndian(UInt64($0.count)) + $0 })
      .salted(by: tenantSalt)
  }

  /// The root key of one tenant: blocks are never shared between different salts.
  ///
  /// - Parameter salt: The tenant's secret; empty gives the key itself.
  package func salted(by salt: [UInt8]) -> Self {
    guard !salt.isEmpty else { return self }
    let tag = Array("weft.block.salt.v1".utf8)
    return Self.digest(of: bytes + Self.littleEndian(UInt64(tag.count)) + tag + salt)
  }

  /// The key of the block that holds `tokenIDs` and follows the block of this key.
  package func child(of tokenIDs: some Collection<TokenID>) -> Self {
    var message = bytes
    message.reserveCapacity(Self.byteCount + 4 * tokenIDs.count)
    for tokenID in tokenIDs {
      message.append(UInt8(truncatingIfNeeded: tokenID))
      message.append(UInt8(truncatingIfNeeded: tokenID >> 8))
      message.append(UInt8(truncatingIfNeeded: tokenID >> 16))
      message.append(UInt8(truncatingIfNeeded: tokenID >> 24))
    }
    return Self.digest(of: message)
  }

  private static func digest(of message: [UInt8]) -> Self {
    var digest = [UInt8](repeating: 0, count: byteCount)
    _ = SHA256(message, message.count, &digest)
    guard let key = Self(bytes: digest) else { preconditionFailure("SHA-256 has 32 bytes") }
    return key
  }

  private static func littleEndian(_ value: UInt64) -> [UInt8] {
    (0..<8).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
  }
}
