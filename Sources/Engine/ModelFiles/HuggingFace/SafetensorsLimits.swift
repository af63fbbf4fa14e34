import JSONText

/// What a safetensors file or a model folder may claim of itself before it is refused. All are far
/// beyond real models.
enum SafetensorsLimits {
  /// The format's own limit.
  static let headerByteCount = 100_000_000
  static let tensorCount = GGUFLimits.tensorCount
  static let nameByteCount = GGUFLimits.tensorNameByteCount
  static let dimensionCount = 8
  static let shardCount = 1024

  /// Of a header: a handful of values for each tensor.
  static let header = JSONLimits(
    byteCount: headerByteCount,
    depth: 4,
    valueCount: tensorCount * 16
  )
  /// Of `model.safetensors.index.json`.
  static let index = JSONLimits(byteCount: 16 << 20, depth: 4, valueCount: tensorCount * 2)
  /// Of `config.json` and its like.
  static let configuration = JSONLimits(byteCount: 1 << 20, depth: 16, valueCount: 1 << 16)
}
