import MeshTypes

/// Byte-level BPE: see ``TokenizerAlgorithm/bytePairs``.
struct BytePairModel: Sendable {
  let preTokenizer: PreTokenizer
  private let idsByByte: [TokenID?]
  private let merges: MergeTable
  private let words: WordTable

  init(
    _ description: TokenizerDescription,
    _ vocabulary: Vocabulary,
    _ preTokenizer: PreTokenizer
  ) throws(MeshError) {
    self.preTokenizer = preTokenizer
    let unknown = description.unknownReplacesBytes ? description.unknown : nil
    let idsByByte = vocabulary.idsByByte.map { $0 ?? unknown }
    self.idsByByte = idsByByte
    let merges = try MergeTable(description.merges, vocabulary, key: description.keys.merges)
    let takesAll = description.takesKnownPiecesWhole ?? preTokenizer.takesKnownPiecesWhole
    var merger = BytePairMerger()
    words = WordTable(of: vocabulary, takingAll: takesAll) { (bytes, ids) in
      merger.merge(bytes, idsByByte: idsByByte, merges: merges, into: &ids)
    }
    self.merges = merges
  }

  /// Appends the tokens of a stretch of text.
  func encode(
    _ segment: Span<UInt8>,
    _ vocabulary: Vocabulary,
    _ merger: inout BytePairMerger,
    into ids: inout [TokenID]
  ) {
    var start = 0
    while start < segment.count {
      let end = preTokenizer.endOfPiece(from: start, in: segment)
      let piece = segment.extracting(start..<end)
      if let id = words.id(of: piece, in: vocabulary) {
        ids.append(id)
      } else {
        merger.merge(piece, idsByByte: idsByByte, merges: merges, into: &ids)
      }
      start = end
    }
  }
}
