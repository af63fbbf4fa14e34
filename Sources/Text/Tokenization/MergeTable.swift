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
  init(
    _ merges: [String],
    _ vocabulary: Vocabulary,
    key name: String = TokenizerKeys.gguf.merges
  ) throws(MeshError) {
    var table = FlatTable(capacity: merges.count)
    for (rank, merge) in merges.enumerated() {
      guard let (leftText, rightText) = Self.parts(of: merge) else {
        throw .invalid(name, "[\(rank)] must be two tokens and one space, is \"\(merge)\"")
      }
      guard let left = vocabulary.id(ofToken: leftText),
        let right = vocabulary.id(ofToken: rightText),
        let merged = vocabulary.id(ofToken: leftText + rightText)
      else {
        throw .invalid(
          name,
          "[\(rank)] \"\(merge)\": both parts and their joined text must be tokens"
        )
      }
      table.insertIfAbsent(Self.key(left, right), UInt64(rank) << 32 | UInt64(merged))
    }
    self.table = table
  }

  /// Creates a table of the given merges; of those of the same pair the first stays.
  init(_ merges: [(left: TokenID, right: TokenID, merge: Merge)]) {
    var table = FlatTable(capacity: merges.count)
    for (left, right, merge) in merges {
      table.insertIfAbsent(Self.key(left, right), UInt64(merge.rank) << 32 | UInt64(merge.merged))
    }
    self.table = table
  }

  /// Two texts with one space between them. By bytes: a mark that combines with the space is a part
  /// of the second.
  private static func parts(of merge: String) -> (left: Substring, right: Substring)? {
    let utf8 = merge.utf8
    guard let space = utf8.firstIndex(of: SpaceMark.space), space != utf8.startIndex else {
      return nil
    }
    let right = utf8[utf8.index(after: space)...]
    guard !right.isEmpty, !right.contains(SpaceMark.space) else { return nil }
    return (merge[..<space], merge[right.startIndex...])
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
