import Grammars
import MeshTypes

/// A sequence's place in its grammar. Nothing is kept that its tokens do not say: a sequence that
/// begins again reads what it has produced.
struct SequenceStructure {
  private let structure: CompiledStructure
  private var matcher: GrammarMatcher?

  init(_ structure: CompiledStructure) { self.structure = structure }

  /// The tokens that may come after an output.
  ///
  /// - Throws: ``MeshError`` for a grammar that does not compile, one that the output does not
  ///   follow, and one that the vocabulary cannot go on with.
  mutating func allowed(after output: ArraySlice<TokenID>) throws(MeshError) -> [UInt64] {
    let known = matcher
    let (words, place) = try structure.withMasks {
      (masks) throws(MeshError) -> ([UInt64], GrammarMatcher) in
      var matcher = if let known { known } else { try Self.place(of: output, &masks) }
      let words = try masks.mask(for: &matcher).words
      return (words, matcher)
    }
    matcher = place
    return words
  }

  /// Reads a token that was chosen among those allowed.
  ///
  /// - Throws: ``MeshError`` `resourceExhausted` where the grammar branches beyond its limit.
  mutating func append(_ id: TokenID) throws(MeshError) {
    guard let known = matcher else { return }
    matcher = try structure.withMasks { (masks) throws(MeshError) -> GrammarMatcher in
      var matcher = known
      try Self.accept(id, &matcher, &masks)
      return matcher
    }
  }

  private static func place(
    of output: ArraySlice<TokenID>,
    _ masks: inout GrammarMasks
  ) throws(MeshError) -> GrammarMatcher {
    var matcher = masks.start()
    for id in output { try accept(id, &matcher, &masks) }
    return matcher
  }

  private static func accept(
    _ id: TokenID,
    _ matcher: inout GrammarMatcher,
    _ masks: inout GrammarMasks
  ) throws(MeshError) {
    guard masks.accept(id, &matcher) else {
      throw MeshError(.resourceExhausted, "token \(id) leads on nowhere in the grammar")
    }
  }
}
