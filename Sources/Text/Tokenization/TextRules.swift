/// What happens to text before a model of tokens sees it, and to text that is decoded.
package struct TextRules: Hashable, Sendable {
  /// Where a space is put in front of text.
  package enum SpacePrefix: Hashable, Sendable {
    case none
    /// Before every stretch of text between added tokens.
    case everySegment
    /// The same, where the stretch does not begin with a space.
    case everySegmentWithoutSpace
    /// Before the text, where it begins neither with an added token nor with a space.
    case beginningWithoutSpace
  }

  /// Whether text is first brought into Unicode's normalisation form C.
  package var normalizes = false
  package var spacePrefix = SpacePrefix.none
  /// Whether tokens never reach over the beginning of a space.
  package var cutsBeforeSpaces = false
  /// Whether spaces at both ends are dropped and runs of them become one.
  package var collapsesSpaces = false
  /// Whether a decoded text loses one space at its beginning.
  package var dropsLeadingSpace = false

  /// Text as it is.
  package init() {}
}
