package import MeshTypes

/// Neighbouring tokens of one sequence to be computed in a step: a chunk of a prompt, or the last
/// token.
package struct SequenceSlice: Hashable, Sendable {
  /// Which of a slice's tokens get logits: those that say what follows the token.
  package enum Logits: Hashable, Sendable {
    case none
    case lastToken
    case allTokens
  }

  /// At least one. A part of the sequence's own array, so that nothing is copied: as long as a slice
  /// lives, changing that array copies it.
  package var tokenIDs: ArraySlice<TokenID>
  /// The position of the first token in its sequence. Keys and values of all earlier positions are
  /// in the blocks already, or come earlier in the same step.
  package var startPosition: Int
  /// The sequence's blocks, for at least all positions up to the last token's.
  package var blockTable: [BlockID]
  package var logits: Logits

  package init(
    tokenIDs: ArraySlice<TokenID>,
    startPosition: Int,
    blockTable: [BlockID],
    logits: Logits = .lastToken
  ) {
    self.tokenIDs = tokenIDs
    self.startPosition = startPosition
    self.blockTable = blockTable
    self.logits = logits
  }

  /// A slice of all of an array's tokens.
  package init(
    tokenIDs: [TokenID],
    startPosition: Int,
    blockTable: [BlockID],
    logits: Logits = .lastToken
  ) {
    self.init(
      tokenIDs: tokenIDs[...],
      startPosition: startPosition,
      blockTable: blockTable,
      logits: logits
    )
  }

  /// Rows of logits that the slice yields.
  package var logitsRowCount: Int {
    switch logits {
    case .none: 0
    case .lastToken: 1
    case .allTokens: tokenIDs.count
    }
  }
}
