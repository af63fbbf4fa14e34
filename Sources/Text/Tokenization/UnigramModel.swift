import MeshTypes

/// The unigram language model: see ``TokenizerAlgorithm/unigram``.
///
/// A character that no token begins with, or that is none by itself, may stand alone at a score
/// below all tokens', and then falls back to its bytes.
struct UnigramModel: Sendable {
  private let trie: TokenTrie
  private let scores: [Double]
  private let unknownScore: Double
  private let rounds: Bool
  private let cutsEverywhere: Bool
  private let fallback: CharacterFallback

  /// How much worse than the worst token an unknown character is.
  private static let unknownPenalty = 10.0

  init(_ description: TokenizerDescription, _ vocabulary: Vocabulary) {
    let tokens = (0..<TokenID(vocabulary.count)).filter { vocabulary.isText($0) }
    // Of tokens with the same bytes the first stays, as everywhere.
    trie = TokenTrie(tokens.reversed().map { ($0, Array(vocabulary.bytes(ofKnown: $0))) })
    scores = description.scores
    rounds = description.roundsScores
    let worst = (tokens.map { description.scores[Int($0)] }.min() ?? 0) - Self.unknownPenalty
    unknownScore = rounds ? Double(Float(worst)) : worst
    cutsEverywhere = description.text.cutsBeforeSpaces
    fallback = CharacterFallback(description, vocabulary)
  }

  /// The best way to reach each place of a text; kept from text to text for its memory.
  struct Lattice {
    fileprivate struct Node {
      var score = -Double.infinity
      var start = 0
      /// Nil: the unknown character.
      var id: TokenID?
    }

    fileprivate var nodes: [Node] = []
  }

  /// Appends the tokens of a stretch of text.
  func encode(_ segment: Span<UInt8>, _ lattice: inout Lattice, into ids: inout [TokenID]) {
    var start = 0
    while start < segment.count {
      var end = segment.count
      if cutsEverywhere {
        end = start + 1
        while end < segment.count, segment[end] != SpaceMark.space { end += 1 }
      }
      encode(piece: segment.extracting(start..<end), &lattice, into: &ids)
      start = end
    }
  }

  private func encode(
    piece: Span<UInt8>,
    _ lattice: inout Lattice,
    into ids: inout [TokenID]
  ) {
    lattice.nodes.removeAll(keepingCapacity: true)
    lattice.nodes.append(contentsOf: repeatElement(Lattice.Node(), count: piece.count + 1))
    lattice.nodes[0].score = 0
    var position = 0
    while position < piece.count {
      let next = position + UTF8.width(ScannedScalar.scalar(at: position, in: piece))
      extend(from: position, nextCharacter: next, piece, &lattice.nodes)
      position = next
    }
    // From the end back to the beginning, then the other way round.
    var ends: [Int] = []
    position = piece.count
    while position > 0 {
      ends.append(position)
      position = lattice.nodes[position].start
    }
    var isAfterUnknown = false
    for end in ends.reversed() {
      if let id = lattice.nodes[end].id {
        ids.append(id)
        isAfterUnknown = false
      } else {
        let scalar = ScannedScalar.scalar(at: lattice.nodes[end].start, in: piece)
        isAfterUnknown = fallback.append(scalar, isAfterUnknown: isAfterUnknown, to: &ids)
      }
    }
  }

  /// Tries every token that begins at `start`.
  private func extend(
    from start: Int,
    nextCharacter: Int,
    _ piece: Span<UInt8>,
    _ nodes: inout [Lattice.Node]
  ) {
    let score = nodes[start].score
    func offer(_ id: TokenID?, _ added: Double, at end: Int) {
      // Of two floats the double sum, rounded, is the float sum.
      let sum = rounds ? Double(Float(score + added)) : score + added
      if sum > nodes[end].score { nodes[end] = Lattice.Node(score: sum, start: start, id: id) }
    }
    var hasCharacter = false
    var node = 0
    var position = start
    while position < piece.count, let child = trie.child(of: node, by: piece[position]) {
      node = child
      position += 1
      guard let id = trie.token(at: node) else { continue }
      if position == nextCharacter { hasCharacter = true }
      offer(id, scores[Int(id)], at: position)
    }
    if !hasCharacter { offer(nil, unknownScore, at: nextCharacter) }
  }
}
