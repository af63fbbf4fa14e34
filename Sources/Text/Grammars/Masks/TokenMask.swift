package import MeshTypes

/// A set of tokens of a vocabulary: those that may come next.
package struct TokenMask: Hashable, Sendable {
  /// Bit `id % 64` of word `id / 64` is token `id`.
  package internal(set) var words: [UInt64]

  /// No tokens of a vocabulary of `vocabularySize`.
  package init(vocabularySize: Int) {
    words = Array(repeating: 0, count: (vocabularySize + 63) / 64)
  }

  /// Whether a token is in the set.
  package func contains(_ id: TokenID) -> Bool {
    words[Int(id) / 64] >> UInt64(id % 64) & 1 == 1
  }

  /// How many tokens are in the set.
  package var count: Int { words.reduce(0) { $0 + $1.nonzeroBitCount } }

  @inline(__always)
  mutating func insert(_ id: TokenID) { words[Int(id) / 64] |= 1 << UInt64(id % 64) }

  mutating func formUnion(_ other: Self) {
    for index in words.indices { words[index] |= other.words[index] }
  }

  mutating func removeAll() {
    for index in words.indices { words[index] = 0 }
  }
}
