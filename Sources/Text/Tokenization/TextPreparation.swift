/// Brings a stretch of text between added tokens into the form that the model's tokens have.
struct TextPreparation: Sendable {
  private let rules: TextRules
  /// Whether `▁` in text is a space.
  private let hasSpaceMarks: Bool

  init(_ rules: TextRules, _ algorithm: TokenizerAlgorithm) {
    self.rules = rules
    hasSpaceMarks = !algorithm.isByteLevel
  }

  /// Whether text stays as it is.
  var isIdentity: Bool {
    !rules.normalizes && !hasSpaceMarks && rules.spacePrefix == .none && !rules.collapsesSpaces
  }

  /// The normalised text, with the space that is put in front of every segment.
  func normalized(_ segment: Span<UInt8>) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(segment.count + 1)
    var isASCII = true
    // As in SentencePiece, `▁` is no space yet when runs collapse, but is one at the end of the text.
    var isAfterSpace = rules.collapsesSpaces
    for index in 0..<segment.count {
      isASCII = isASCII && segment[index] < 0x80
      let isSpace = segment[index] == SpaceMark.space
      if rules.collapsesSpaces && isSpace && isAfterSpace { continue }
      isAfterSpace = isSpace
      if hasSpaceMarks {
        SpaceMark.append(segment[index], to: &bytes)
      } else {
        bytes.append(segment[index])
      }
    }
    if rules.collapsesSpaces {
      while bytes.last == SpaceMark.space { bytes.removeLast() }
    }
    if rules.normalizes && !isASCII { bytes = NormalForm.composed(bytes) }
    if rules.spacePrefix == .everySegment && !bytes.isEmpty {
      bytes.insert(SpaceMark.space, at: 0)
    }
    return bytes
  }

  /// Whether a space is to be put in front of a segment that is normalised, and in which no added
  /// token is left.
  func lacksSpace(_ segment: Span<UInt8>, isBeginning: Bool) -> Bool {
    guard !segment.isEmpty, segment[0] != SpaceMark.space else { return false }
    return switch rules.spacePrefix {
    case .none, .everySegment: false
    case .everySegmentWithoutSpace: true
    case .beginningWithoutSpace: isBeginning
    }
  }
}
