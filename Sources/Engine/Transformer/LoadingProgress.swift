/// How far loading a model's weights has come.
package struct LoadingProgress: Hashable, Sendable {
  /// The weight that was loaded last.
  package var tensor: String
  /// Bytes of weights that are loaded.
  package var loadedByteCount: Int
  /// Bytes of all weights; at least 1.
  package var totalByteCount: Int
}
