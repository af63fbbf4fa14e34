import MeshTypes

/// What a grammar may cost. Everything is counted, nothing is timed, so that a grammar that compiles
/// once compiles everywhere.
package struct GrammarLimits: Hashable, Sendable {
  /// The length of its source.
  package var sourceBytes = StructuredOutput.maximumBytes
  /// How deep groups, schemas and JSON values may nest in the source.
  package var nesting = 64
  /// The count in a repetition such as `{m,n}` or `maxItems`.
  package var repetitions = 10_000
  /// Rules, those that a front end adds included.
  package var rules = 20_000
  /// States of the automaton.
  package var states = 200_000
  /// Steps of compiling: nodes of the source visited, copied and merged.
  package var workUnits = 2_000_000
  /// How deep a text may nest: calls of rules that are open at once, tail calls not counted. What
  /// would nest deeper is not part of the language.
  package var stackDepth = 256
  /// States that the automaton may be in at once.
  package var configurations = 4096
  /// Configurations visited for one mask, those found before not counted. It bounds the time that a
  /// step can take for a grammar; a mask beyond it fails the sequence.
  package var maskWorkUnits = 4_000_000

  /// The default limits.
  package init() {}
}
