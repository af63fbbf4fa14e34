/// What a GGUF file may claim of itself before it is refused. All are far beyond real models, and
/// keep a hostile file from costing more time or memory than its own size justifies.
enum GGUFLimits {
  /// Metadata and tensor descriptions together.
  static let headerByteCount = 256 << 20
  static let metadataCount = 1 << 16
  static let tensorCount = 1 << 16
  static let keyByteCount = 1024
  static let tensorNameByteCount = 256
  static let stringByteCount = 16 << 20
  static let arrayElementCount = 1 << 24
  /// Arrays within arrays.
  static let arrayDepth = 4
  static let dimensionCount = 4
  /// Powers of two in this range; the format asks for multiples of 8.
  static let alignment = 8...65_536
  static let defaultAlignment = 32
}
