/// The variables of one body: the template, a loop's iteration, a macro's call, a block.
final class Scope {
  /// By their number in ``Program/names``.
  var variables: [Int: Value] = [:]
  private(set) var parent: Scope?

  /// Creates a scope inside of `parent`.
  init(parent: Scope?) { self.parent = parent }

  /// The value of a variable here or further out.
  func value(of variable: Int) -> Value? {
    var scope: Scope? = self
    while let current = scope {
      if let value = current.variables[variable] { return value }
      scope = current.parent
    }
    return nil
  }
}
