import MeshTypes
import ModelFiles

/// The metadata of a model's architecture, whose keys have its name before them.
struct ModelMetadata {
  private let metadata: GGUFMetadata
  private let prefix: String

  init(_ metadata: GGUFMetadata, prefix: String) {
    self.metadata = metadata
    self.prefix = prefix
  }

  func integer(_ key: String, in range: ClosedRange<Int>) throws(MeshError) -> Int {
    try metadata.integer("\(prefix).\(key)", in: range)
  }

  func integerIfPresent(_ key: String, in range: ClosedRange<Int>) throws(MeshError) -> Int? {
    try metadata.integerIfPresent("\(prefix).\(key)", in: range)
  }

  func float(_ key: String, in range: ClosedRange<Float>) throws(MeshError) -> Float {
    try metadata.float("\(prefix).\(key)", in: range)
  }

  func floatIfPresent(_ key: String, in range: ClosedRange<Float>) throws(MeshError) -> Float? {
    try metadata.floatIfPresent("\(prefix).\(key)", in: range)
  }

  /// An array of as many booleans; nil also for a single number, which some files have in its place.
  func booleansIfPresent(_ key: String, count: Int) throws(MeshError) -> [Bool]? {
    guard case .array(.boolean(let booleans))? = metadata["\(prefix).\(key)"] else { return nil }
    guard booleans.count == count else {
      throw mismatch(key, "must have \(count) entries, found \(booleans.count)")
    }
    return booleans
  }

  /// A bound of scores or logits; nil for none, which a folder's metadata say with `false`.
  ///
  /// - Parameter usual: What it is where the file has no such key.
  func softCap(_ key: String, _ usual: Float?) throws(MeshError) -> Float? {
    if case .boolean(false)? = metadata["\(prefix).\(key)"] { return nil }
    return try floatIfPresent(key, in: 1e-3...1e6) ?? usual
  }

  func stringIfPresent(_ key: String) throws(MeshError) -> String? {
    try metadata.stringIfPresent("\(prefix).\(key)")
  }

  func mismatch(_ key: String, _ message: String) -> MeshError {
    MeshError(.corrupted, "\(prefix).\(key) \(message)", field: "\(prefix).\(key)")
  }

  func unimplemented(_ key: String, _ message: String) -> MeshError {
    MeshError(.unimplemented, "\(prefix).\(key) \(message)", field: "\(prefix).\(key)")
  }
}
