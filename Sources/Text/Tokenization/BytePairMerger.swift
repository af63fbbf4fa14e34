import MeshTypes

/// Joins the tokens of one piece of text pair by pair, the most wanted merge first, the leftmost
/// first among equals.
///
/// The tokens form a linked list over an array; a binary heap holds the candidate pairs. Each merge
/// adds at most two candidates, so a piece of n bytes takes O(n log n) steps and O(n) memory. A
/// candidate that an earlier merge made void stays in the heap until it is popped, and is then
/// told by its rank, which differs from that of the pair now standing there.
///
/// The arrays are kept from piece to piece; one value serves one text.
struct BytePairMerger: ~Copyable {
  private struct Symbol {
    var id: TokenID
    /// Neighbours in the list; ``none`` at its ends.
    var previous: UInt32
    var next: UInt32
    /// The merge of this symbol with the next one; rank ``none`` if there is none.
    var rank: UInt32
    var merged: TokenID
  }

  private static let none = UInt32.max

  private var symbols: [Symbol] = []
  /// rank << 32 | index of the left symbol: so the smallest is the most wanted, leftmost pair.
  private var candidates = MinHeap()

  /// Appends the tokens of one piece to `output`.
  ///
  /// - Parameters:
  ///   - piece: UTF-8, fewer than 2^32 - 1 bytes.
  ///   - idsByByte: The token of each byte; a byte without one is left out, and its neighbours
  ///     merge as if it were not there.
  ///   - merges: The model's merges.
  ///   - output: Gets the tokens that remain.
  mutating func merge(
    _ piece: Span<UInt8>,
    idsByByte: [TokenID?],
    merges: MergeTable,
    into output: inout [TokenID]
  ) {
    precondition(piece.count < Int(Self.none))
    begin()
    for position in 0..<piece.count {
      if let id = idsByByte[Int(piece[position])] { append(id, merges) }
    }
    finish(merges, into: &output)
  }

  /// Begins a piece whose tokens come one by one, through ``append(_:_:)``.
  mutating func begin() {
    symbols.removeAll(keepingCapacity: true)
    candidates.removeAll()
  }

  /// Adds the next token of the piece; there may be fewer than 2^32 - 1.
  mutating func append(_ id: TokenID, _ merges: MergeTable) {
    let index = symbols.count
    var symbol = Symbol(id: id, previous: Self.none, next: Self.none, rank: Self.none, merged: 0)
    if index > 0 {
      symbol.previous = UInt32(index - 1)
      symbols[index - 1].next = UInt32(index)
      if let merge = merges.merge(symbols[index - 1].id, id) {
        symbols[index - 1].rank = merge.rank
        symbols[index - 1].merged = merge.merged
        candidates.append(UInt64(merge.rank) << 32 | UInt64(index - 1))
      }
    }
    symbols.append(symbol)
  }

  /// Merges the piece's tokens and appends those that remain to `output`.
  mutating func finish(_ merges: MergeTable, into output: inout [TokenID]) {
    candidates.heapify()
    while let candidate = candidates.popMinimum() {
      let left = Int(truncatingIfNeeded: candidate & 0xFFFF_FFFF)
      let rank = UInt32(truncatingIfNeeded: candidate >> 32)
      if symbols[left].rank == rank { join(left, merges) }
    }
    var index: UInt32 = symbols.isEmpty ? Self.none : 0
    while index != Self.none {
      output.append(symbols[Int(index)].id)
      index = symbols[Int(index)].next
    }
  }

  /// Replaces a symbol and its successor by their merge, and looks at the new neighbourhood.
  private mutating func join(_ left: Int, _ merges: MergeTable) {
    let right = Int(symbols[left].next)
    symbols[left].id = symbols[left].merged
    symbols[left].next = symbols[right].next
    symbols[right].rank = Self.none
    if symbols[left].next != Self.none {
      symbols[Int(symbols[left].next)].previous = UInt32(left)
    }
    considerPair(at: left, merges)
    if symbols[left].previous != Self.none {
      considerPair(at: Int(symbols[left].previous), merges)
    }
  }

  private mutating func considerPair(at left: Int, _ merges: MergeTable) {
    let next = symbols[left].next
    guard next != Self.none, let merge = merges.merge(symbols[left].id, symbols[Int(next)].id)
    else {
      symbols[left].rank = Self.none
      return
    }
    symbols[left].rank = merge.rank
    symbols[left].merged = merge.merged
    candidates.push(UInt64(merge.rank) << 32 | UInt64(left))
  }
}
