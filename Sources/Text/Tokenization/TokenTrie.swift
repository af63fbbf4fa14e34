import MeshTypes

/// A set of tokens to be found in text by their bytes.
///
/// A search costs at most the length of the longest token for each byte of the text, and nearly
/// nothing where no token can begin.
struct TokenTrie: Sendable {
  /// A token found in text.
  struct Match {
    /// Where it lies, in bytes.
    var range: Range<Int>
    var id: TokenID
  }

  /// node << 8 | byte leads to the next node; node 0 is the root.
  private let children: FlatTable
  /// The token that ends at each node.
  private let ends: [TokenID?]
  /// Whether a token begins with each byte.
  private let begins: [Bool]

  /// Creates a trie of the given tokens; of those with equal bytes the last stays.
  init(_ tokens: [(id: TokenID, bytes: [UInt8])]) {
    var children = FlatTable(capacity: tokens.reduce(0) { $0 + $1.bytes.count })
    var ends: [TokenID?] = [nil]
    var begins = [Bool](repeating: false, count: 256)
    for (id, bytes) in tokens where !bytes.isEmpty {
      var node = 0
      for byte in bytes {
        if node == 0 { begins[Int(byte)] = true }
        let key = Self.key(node, byte)
        if let child = children[key] {
          node = Int(child)
        } else {
          node = ends.count
          ends.append(nil)
          children.insertIfAbsent(key, UInt64(node))
        }
      }
      ends[node] = id
    }
    self.children = children
    self.ends = ends
    self.begins = begins
  }

  /// Whether there are no tokens.
  var isEmpty: Bool { ends.count == 1 }

  /// The node that `byte` leads to from `node`; the root is 0.
  @inline(__always)
  func child(of node: Int, by byte: UInt8) -> Int? {
    children[Self.key(node, byte)].map { Int($0) }
  }

  /// The token that ends at a node.
  @inline(__always)
  func token(at node: Int) -> TokenID? { ends[node] }

  /// The first match at or after `start`; among those that begin there the longest.
  func firstMatch(from start: Int, in text: Span<UInt8>) -> Match? {
    guard !isEmpty else { return nil }
    for position in start..<text.count where begins[Int(text[position])] {
      if let match = longestMatch(at: position, in: text) { return match }
    }
    return nil
  }

  private func longestMatch(at start: Int, in text: Span<UInt8>) -> Match? {
    var node = 0
    var match: Match?
    for position in start..<text.count {
      guard let child = children[Self.key(node, text[position])] else { break }
      node = Int(child)
      if let id = ends[node] { match = Match(range: start..<(position + 1), id: id) }
    }
    return match
  }

  @inline(__always)
  private static func key(_ node: Int, _ byte: UInt8) -> UInt64 { UInt64(node) << 8 | UInt64(byte) }
}
