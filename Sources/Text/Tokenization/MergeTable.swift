import MeshTypes

/// Which neighbouring tokens join into which, and how wanted each join is.
struct MergeTable: Sendable {
  /// One merge: applied in order of ``rank``, lowest first.
  struct Merge {
    /// The place in the model's list of merges.
    var rank: UInt32
    /// The token that takes the place of the pair.
    var merged: TokenID
  }

  private let table: FlatTable

  /// Reads `"left right"` lines.
  ///
  /// - Throws: `MeshError` `invalidArgument` naming the entry whose form is wrong, or whose parts
  ///   or whose joined text are not in the vocabulary.
  init(_ merges: [String], _ vocabulary: Vocabulary) throws(MeshError) {
    var table = FlatTable(capacity: merges.count)
    for (rank, merge) in merges.enumerated() {
      let parts = merge.split(separator: " ", omittingEmptySubsequences: false)
      guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty else {
        throw .invalid(
          "tokenizer.ggml.merges",
          "[\(rank)] must be two tokens and one space, is \"\(merge)\""
        )
      }
      guard let left = vocabulary.id(ofToken: parts[0]),
        let right = vocabulary.id(ofToken: parts[1]),
        let merged = vocabulary.id(ofToken: parts[0] + parts[1])
      else {
        throw .invalid(
          "tokenizer.ggml.merges",
          "[\(rank)] \"\(merge)\": both parts and their joined text must be tokens"
        )
      }
      table.insertIfAbsent(Self.key(left, right), UInt64(rank) << 32 | UInt64(merged))
    }
    self.table = table
  }

  /// The merge of two neighbours, or nil if they never join.
  @inline(__always)
  func merge(_ left: TokenID, _ right: TokenID) -> Merge? {
    guard let packed = table[Self.key(left, right)] else { return nil }
    return Merge(
      rank: UInt32(truncatingIfNeeded: packed >> 32),
      merged: TokenID(truncatingIfNeeded: packed)
    )
  }

  @inline(__always)
  private static func key(_ left: TokenID, _ right: TokenID) -> UInt64 {
    UInt64(left) << 32 | UInt64(right)
  }
}
