/// Where text may be cut so that no token reaches over the cut: before spaces.
///
/// Most vocabularies have a space at a token's beginning only, which lets long texts be taken word
/// by word without any difference in the result.
struct SpaceCuts: Sendable {
  /// Whether text is cut before every space, by the model's rules.
  private let cutsEverywhere: Bool
  /// ASCII characters that stand before a space in some token.
  private var ascii = [Bool](repeating: false, count: 128)
  /// Other such characters.
  private var others: Set<Unicode.Scalar> = []

  /// Creates cuts.
  ///
  /// - Parameters:
  ///   - cutsEverywhere: Whether the model's rules ask for all cuts.
  ///   - tokens: The bytes of all tokens that merging can make.
  init(cutsEverywhere: Bool, tokens: some Sequence<ArraySlice<UInt8>>) {
    self.cutsEverywhere = cutsEverywhere
    for token in tokens {
      for position in token.indices.dropFirst() where token[position] == SpaceMark.space {
        let before = String(decoding: token[..<position], as: UTF8.self).unicodeScalars.last!
        if before.isASCII { ascii[Int(before.value)] = true } else { others.insert(before) }
      }
    }
  }

  /// The end of the piece that begins at `start`: the next cut, or the end of the text.
  func endOfPiece(from start: Int, in text: Span<UInt8>) -> Int {
    var position = start + 1
    while position < text.count {
      if text[position] == SpaceMark.space && isCut(position, from: start, in: text) { break }
      position += 1
    }
    return min(position, text.count)
  }

  private func isCut(_ position: Int, from start: Int, in text: Span<UInt8>) -> Bool {
    if cutsEverywhere { return true }
    let last = text[position - 1]
    if last < 0x80 { return !ascii[Int(last)] }
    if others.isEmpty { return true }
    var lead = position - 1
    while lead > start, text[lead] & 0xC0 == 0x80 { lead -= 1 }
    return !others.contains(ScannedScalar.scalar(at: lead, in: text))
  }
}
