import JSONText
import MeshTypes

/// What a schema's keywords leave of the numbers: whole bounds.
struct NumberBounds {
  private(set) var minimum: Int?
  private(set) var maximum: Int?
  private(set) var excludesMinimum = false
  private(set) var excludesMaximum = false

  var isUnbounded: Bool { minimum == nil && maximum == nil }

  /// Whether there are no numbers.
  var isEmpty: Bool {
    guard let minimum, let maximum else { return false }
    return minimum > maximum || minimum == maximum && (excludesMinimum || excludesMaximum)
  }

  /// - Throws: `MeshError` `unimplemented` for bounds of fractions that are not whole, and for those
  ///   beyond 64 bits.
  init(_ node: SchemaNode, isInteger: Bool, _ budget: GrammarBudget) throws(MeshError) {
    for key in ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"] {
      guard let keyword = node[key] else { continue }
      guard let value = keyword.value.asDouble else {
        throw budget.invalid("must be a number", at: keyword.path)
      }
      let isMinimum = key.hasSuffix("inimum")
      var isExclusive = key.hasPrefix("exclusive")
      var bound: Int?
      if case .integer(let exact) = keyword.value { bound = exact }
      if bound == nil, isInteger, value != value.rounded() {
        bound = Int(exactly: isMinimum ? value.rounded(.up) : value.rounded(.down))
        isExclusive = false
      }
      guard var bound = bound ?? Int(exactly: value), bound != Int.min else {
        throw budget.unsupported("must be a whole number of 64 bits", at: keyword.path)
      }
      if isInteger, isExclusive {
        // Beyond the last integer there is none that could be written.
        guard isMinimum ? bound < Int.max : bound > Int.min + 1 else {
          throw budget.unsupported("must be a whole number of 64 bits", at: keyword.path)
        }
        bound += isMinimum ? 1 : -1
        isExclusive = false
      }
      isMinimum ? raise(to: bound, isExclusive) : lower(to: bound, isExclusive)
    }
  }

  private mutating func raise(to bound: Int, _ isExclusive: Bool) {
    if let minimum, minimum > bound || minimum == bound && excludesMinimum { return }
    (minimum, excludesMinimum) = (bound, isExclusive)
  }

  private mutating func lower(to bound: Int, _ isExclusive: Bool) {
    if let maximum, maximum < bound || maximum == bound && excludesMaximum { return }
    (maximum, excludesMaximum) = (bound, isExclusive)
  }
}
