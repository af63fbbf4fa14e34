package import MeshTypes

/// The bytes of a vocabulary's tokens as a tree, written in the order in which it is walked.
///
/// Immutable and shared by all grammars of a model. Takes some 16 bytes for each byte of the
/// vocabulary that is not a common beginning.
package struct TokenTree: Sendable {
  /// The number of tokens, those that are not in the tree included.
  package let vocabularySize: Int
  /// Tokens that end a generation; they have no bytes.
  package let endTokenIDs: Set<TokenID>
  /// By node, in the order of a walk: a node comes before those below it.
  let bytes: [UInt8]
  /// By node: how many bytes lead to it, at least 1.
  let depths: [Int32]
  /// By node: the first node after those below it.
  let ends: [Int32]
  /// Node `n` ends tokens `tokenIDs[firstTokens[n]..<firstTokens[n + 1]]`.
  let firstTokens: [Int32]
  let tokenIDs: [TokenID]
  /// The length of the longest token.
  let maximumDepth: Int
  /// Token `id` has bytes `offsets[id]..<offsets[id + 1]` of these.
  private let text: [UInt8]
  private let offsets: [Int]

  /// Reads a vocabulary.
  ///
  /// - Parameters:
  ///   - vocabularySize: The number of tokens that have logits.
  ///   - endTokenIDs: Those that end a generation.
  ///   - bytes: What a token stands for; nil or nothing for control tokens, which no grammar allows.
  package init(
    vocabularySize: Int,
    endTokenIDs: Set<TokenID>,
    bytes: (TokenID) -> ArraySlice<UInt8>?
  ) {
    self.vocabularySize = vocabularySize
    self.endTokenIDs = endTokenIDs.filter { Int($0) < vocabularySize }
    var text: [UInt8] = []
    var offsets = [0]
    for id in 0..<TokenID(vocabularySize) {
      if !endTokenIDs.contains(id), let bytes = bytes(id) { text += bytes }
      offsets.append(text.count)
    }
    (self.text, self.offsets) = (text, offsets)
    let order = (0..<vocabularySize).filter { offsets[$0] < offsets[$0 + 1] }.sorted {
      let (one, other) = (
        text[offsets[$0]..<offsets[$0 + 1]], text[offsets[$1]..<offsets[$1 + 1]]
      )
      return one.lexicographicallyPrecedes(other) || one == other && $0 < $1
    }
    var nodes = Nodes()
    for id in order { nodes.append(TokenID(id), text[offsets[id]..<offsets[id + 1]]) }
    nodes.finish()
    self.bytes = nodes.bytes
    depths = nodes.depths
    ends = nodes.ends
    firstTokens = nodes.firstTokens
    tokenIDs = nodes.tokenIDs
    maximumDepth = nodes.maximumDepth
  }

  /// How many nodes the tree has.
  package var nodeCount: Int { bytes.count }

  /// The bytes of a token; none for those that are not in the tree.
  func bytes(of id: TokenID) -> ArraySlice<UInt8> { text[offsets[Int(id)]..<offsets[Int(id) + 1]] }
}

/// The tree while tokens come in the order of their bytes.
private struct Nodes {
  var bytes: [UInt8] = []
  var depths: [Int32] = []
  var ends: [Int32] = []
  var firstTokens: [Int32] = []
  var tokenIDs: [TokenID] = []
  var maximumDepth = 0
  /// The nodes of the last token.
  private var path: [Int] = []

  mutating func append(_ id: TokenID, _ token: ArraySlice<UInt8>) {
    let common = zip(path, token).prefix { bytes[$0.0] == $0.1 }.count
    leave(to: common)
    for byte in token.dropFirst(common) {
      path.append(bytes.count)
      bytes.append(byte)
      depths.append(Int32(path.count))
      ends.append(0)
      firstTokens.append(Int32(tokenIDs.count))
    }
    maximumDepth = max(maximumDepth, path.count)
    tokenIDs.append(id)
  }

  mutating func finish() {
    leave(to: 0)
    firstTokens.append(Int32(tokenIDs.count))
  }

  private mutating func leave(to depth: Int) {
    while path.count > depth { ends[path.removeLast()] = Int32(bytes.count) }
  }
}
