import MeshTypes

/// BPE over characters: see ``TokenizerAlgorithm/characterPairs`` and
/// ``TokenizerAlgorithm/scoredPairs``.
///
/// A character that is no token takes part in merging all the same, under an id of its own beyond
/// all tokens, since it may be a part of one.
struct CharacterPairModel: Sendable {
  /// The ids of characters that are tokens, by code point.
  private let characters: FlatTable
  private let merges: MergeTable
  private let words: WordTable
  private let cuts: SpaceCuts
  private let fallback: CharacterFallback
  private let cutsEverywhere: Bool

  /// Marks the id of a character that is no token; the rest of it is the code point.
  private static let strange: TokenID = 1 << 31

  init(_ description: TokenizerDescription, _ vocabulary: Vocabulary) throws(MeshError) {
    let characters = Self.characters(of: vocabulary)
    self.characters = characters
    let merges =
      description.algorithm == .scoredPairs
      ? Self.merges(of: vocabulary, description.scores, characters)
      : try MergeTable(description.merges, vocabulary, key: description.keys.merges)
    self.merges = merges
    var merger = BytePairMerger()
    words = WordTable(
      of: vocabulary,
      takingAll: description.takesKnownPiecesWhole ?? false
    ) { (bytes, ids) in
      Self.merge(bytes, characters, merges, &merger, into: &ids)
    }
    cutsEverywhere = description.text.cutsBeforeSpaces
    cuts = SpaceCuts(
      cutsEverywhere: cutsEverywhere,
      tokens: (0..<vocabulary.count).lazy.filter { !vocabulary.types[$0].isSpecial }
        .map { vocabulary.bytes(ofKnown: TokenID($0)) }
    )
    fallback = CharacterFallback(description, vocabulary)
  }

  /// Appends the tokens of a stretch of text.
  ///
  /// - Parameter scratch: Kept from stretch to stretch for its memory.
  func encode(
    _ segment: Span<UInt8>,
    _ vocabulary: Vocabulary,
    _ merger: inout BytePairMerger,
    scratch: inout [TokenID],
    into ids: inout [TokenID]
  ) {
    var start = 0
    var isAfterUnknown = false
    while start < segment.count {
      let end = cuts.endOfPiece(from: start, in: segment)
      let piece = segment.extracting(start..<end)
      start = end
      if cutsEverywhere { isAfterUnknown = false }
      if let id = words.id(of: piece, in: vocabulary) {
        ids.append(id)
        isAfterUnknown = false
        continue
      }
      scratch.removeAll(keepingCapacity: true)
      Self.merge(piece, characters, merges, &merger, into: &scratch)
      for id in scratch {
        if let scalar = Self.strangeCharacter(id) {
          isAfterUnknown = fallback.append(scalar, isAfterUnknown: isAfterUnknown, to: &ids)
        } else {
          ids.append(id)
          isAfterUnknown = false
        }
      }
    }
  }

  private static func strangeCharacter(_ id: TokenID) -> Unicode.Scalar? {
    id < strange ? nil : Unicode.Scalar(id & ~strange)
  }

  private static func merge(
    _ piece: Span<UInt8>,
    _ characters: FlatTable,
    _ merges: MergeTable,
    _ merger: inout BytePairMerger,
    into ids: inout [TokenID]
  ) {
    merger.begin()
    var position = 0
    while position < piece.count {
      let scalar = ScannedScalar.scalar(at: position, in: piece)
      position += UTF8.width(scalar)
      merger.append(id(of: scalar, characters), merges)
    }
    merger.finish(merges, into: &ids)
  }

  private static func id(of scalar: Unicode.Scalar, _ characters: FlatTable) -> TokenID {
    characters[UInt64(scalar.value)].map { TokenID($0) } ?? strange | scalar.value
  }

  /// The tokens of one character. Control tokens and bytes are none, whatever their texts.
  private static func characters(of vocabulary: Vocabulary) -> FlatTable {
    let tokens = (0..<TokenID(vocabulary.count)).compactMap { id -> (UInt64, TokenID)? in
      guard vocabulary.isText(id) else { return nil }
      let scalars = String(decoding: vocabulary.bytes(ofKnown: id), as: UTF8.self).unicodeScalars
      guard let scalar = scalars.first, scalars.count == 1 else { return nil }
      return (UInt64(scalar.value), id)
    }
    var table = FlatTable(capacity: tokens.count)
    for (scalar, id) in tokens { table.insertIfAbsent(scalar, UInt64(id)) }
    return table
  }

  /// Every pair of tokens or characters whose joined text is a token, ranked by its score.
  private static func merges(
    of vocabulary: Vocabulary,
    _ scores: [Double],
    _ characters: FlatTable
  ) -> MergeTable {
    let tokens = (0..<TokenID(vocabulary.count)).filter { vocabulary.isText($0) }
    var known = WordTable(capacity: tokens.count)
    for id in tokens {
      known.insert(Array(vocabulary.bytes(ofKnown: id)).span, id, in: vocabulary)
    }
    func part(_ bytes: Span<UInt8>) -> TokenID? {
      if let id = known.id(of: bytes, in: vocabulary) { return id }
      let scalar = ScannedScalar.scalar(at: 0, in: bytes)
      return UTF8.width(scalar) == bytes.count ? id(of: scalar, characters) : nil
    }
    let distinct = Set(tokens.map { scores[Int($0)] }).sorted(by: >)
    let ranks = Dictionary(
      uniqueKeysWithValues: distinct.enumerated().map { ($1, UInt32($0)) }
    )
    var merges: [(left: TokenID, right: TokenID, merge: MergeTable.Merge)] = []
    for id in tokens where vocabulary.types[Int(id)] != .userDefined {
      let bytes = Array(vocabulary.bytes(ofKnown: id))
      let merge = MergeTable.Merge(rank: ranks[scores[Int(id)]]!, merged: id)
      for cut in bytes.indices.dropFirst() where bytes[cut] & 0xC0 != 0x80 {
        if let left = part(bytes.span.extracting(0..<cut)),
          let right = part(bytes.span.extracting(cut..<bytes.count))
        {
          merges.append((left, right, merge))
        }
      }
    }
    return MergeTable(merges)
  }
}
