import MeshTypes

/// The pieces of text that encode to one token, found by their bytes without merging.
///
/// Most pieces of ordinary text are such words. A token is in the table only if merging its own
/// bytes gives the token itself (or if the model wants known pieces whole), so looking here first
/// never changes a result.
struct WordTable: Sendable {
  private struct Slot {
    /// Half of the hash, to compare bytes hardly ever in vain.
    var tag: UInt32
    var id: TokenID
  }

  private static let vacant = TokenID.max

  private var slots: [Slot]
  private let mask: Int
  private var longestWord = 0

  /// Creates an empty table with room for `capacity` words.
  init(capacity: Int) {
    var places = 16
    while places < capacity * 2 { places *= 2 }
    slots = Array(repeating: Slot(tag: 0, id: Self.vacant), count: places)
    mask = places - 1
  }

  /// Creates a table of the tokens of text.
  ///
  /// - Parameters:
  ///   - takesAll: Whether all are words, or those alone that encode to themselves.
  ///   - encode: Appends what a piece encodes to.
  init(
    of vocabulary: Vocabulary,
    takingAll takesAll: Bool,
    encode: (Span<UInt8>, inout [TokenID]) -> Void
  ) {
    self.init(capacity: vocabulary.count)
    var ids: [TokenID] = []
    for id in 0..<TokenID(vocabulary.count) where vocabulary.isText(id) {
      let bytes = Array(vocabulary.bytes(ofKnown: id))
      if !takesAll {
        ids.removeAll(keepingCapacity: true)
        encode(bytes.span, &ids)
        guard ids == [id] else { continue }
      }
      insert(bytes.span, id, in: vocabulary)
    }
  }

  /// Adds token `id`, whose bytes are `word`; the first of equal words stays.
  mutating func insert(_ word: Span<UInt8>, _ id: TokenID, in vocabulary: Vocabulary) {
    let hash = Self.hash(word)
    var place = Int(truncatingIfNeeded: hash) & mask
    while slots[place].id != Self.vacant {
      if vocabulary.bytes(of: slots[place].id, equal: word) { return }
      place = (place + 1) & mask
    }
    slots[place] = Slot(tag: UInt32(truncatingIfNeeded: hash >> 32), id: id)
    longestWord = max(longestWord, word.count)
  }

  /// The token whose bytes are `piece`, or nil.
  @inline(__always)
  func id(of piece: Span<UInt8>, in vocabulary: Vocabulary) -> TokenID? {
    guard piece.count <= longestWord else { return nil }
    let hash = Self.hash(piece)
    let tag = UInt32(truncatingIfNeeded: hash >> 32)
    var place = Int(truncatingIfNeeded: hash) & mask
    while true {
      let slot = slots[place]
      if slot.id == Self.vacant { return nil }
      if slot.tag == tag && vocabulary.bytes(of: slot.id, equal: piece) { return slot.id }
      place = (place + 1) & mask
    }
  }

  /// FNV-1a, with a final mix because the table uses its low bits.
  @inline(__always)
  private static func hash(_ word: Span<UInt8>) -> UInt64 {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for index in 0..<word.count { hash = (hash ^ UInt64(word[index])) &* 0x100_0000_01B3 }
    return hash ^ (hash >> 29)
  }
}
