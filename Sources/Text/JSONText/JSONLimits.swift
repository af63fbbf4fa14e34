/// What a JSON text may cost before it is refused.
package struct JSONLimits: Hashable, Sendable {
  /// The most bytes of text.
  package var byteCount: Int
  /// How deep arrays and objects may nest.
  package var depth: Int
  /// The most values, each of which takes some 24 bytes of memory.
  package var valueCount: Int

  /// Creates limits.
  package init(byteCount: Int, depth: Int = 64, valueCount: Int = 1 << 24) {
    self.byteCount = byteCount
    self.depth = depth
    self.valueCount = valueCount
  }
}
