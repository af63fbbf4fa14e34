/// What a template may cost. Every bound is checked before the memory or time is spent, and going
/// over one throws `invalidArgument`.
package struct TemplateLimits: Sendable, Hashable {
  /// The most UTF-8 bytes of template source.
  package var sourceBytes = 512 << 10
  /// How deep statements and expressions of the source may nest.
  package var nestingDepth = 96
  /// The most units of work: about one per expression, item or 16 bytes of text made.
  package var steps = 20_000_000
  /// The most UTF-8 bytes of the rendered prompt, and of any single string on the way.
  package var outputBytes = 16 << 20
  /// How deep macros may call each other.
  package var macroDepth = 64
  /// How deep lists and dictionaries may nest.
  package var valueDepth = 64
  /// The most items of `range()`, as in Jinja's sandbox.
  package var rangeItems = 100_000

  /// Generous bounds for real templates; the largest known are about 30 KiB of source.
  package static let `default` = TemplateLimits()

  /// Creates the default limits.
  package init() {}
}
