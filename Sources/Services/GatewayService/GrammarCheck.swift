import Grammars
import MeshRuntime
import MeshTypes

/// Compiles grammars to find out whether a worker will be able to, on a thread of its own.
actor GrammarCheck {
  private let executor = DedicatedThreadExecutor(label: "weft.gateway.grammars")
  /// Those that were found right last.
  private var known: [StructuredOutput] = []

  private static let maximumCount = 16

  nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

  /// Checks a grammar.
  ///
  /// - Throws: ``MeshError`` naming the field, and the place in the source.
  func check(_ source: StructuredOutput) throws(MeshError) {
    guard !known.contains(source) else { return }
    _ = try Grammar(compiling: source)
    if known.count == Self.maximumCount { known.removeFirst() }
    known.append(source)
  }
}
