package import MeshTypes

/// How added tokens are found in text, beyond their texts.
package struct AddedTokenRules: Hashable, Sendable {
  /// Tokens that swallow the white space before them.
  package var swallowingSpaceBefore: Set<TokenID> = []
  /// Tokens that swallow the white space behind them.
  package var swallowingSpaceBehind: Set<TokenID> = []
  /// Tokens that are looked for once text is normalised and has its space in front, not before;
  /// their own texts are normalised in the same way.
  package var foundAfterNormalizing: Set<TokenID> = []

  /// Tokens are found by their texts alone.
  package init() {}
}
