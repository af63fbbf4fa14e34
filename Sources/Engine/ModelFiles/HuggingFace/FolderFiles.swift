package import JSONText
package import MeshTypes

/// The files of a Hugging Face folder that are not weights.
package struct FolderFiles: Sendable {
  /// Where the folder is.
  package let path: String

  package init(path: String) { self.path = path }

  /// Reads a JSON file of the folder.
  ///
  /// - Parameter name: The file's name in the folder: the field of errors.
  /// - Throws: `notFound` if it is not there, `corrupted` if it is no JSON or too large.
  package func json(_ name: String, limits: JSONLimits) throws(MeshError) -> JSONValue {
    try JSONValue(
      parsing: try contents(name, maximumByteCount: limits.byteCount),
      subject: name,
      limits: limits
    )
  }

  /// Reads a JSON file of the folder if it is there.
  package func jsonIfPresent(
    _ name: String,
    limits: JSONLimits
  ) throws(MeshError) -> JSONValue? {
    do throws(MeshError) {
      return try json(name, limits: limits)
    } catch {
      if error.code == .notFound { return nil }
      throw error
    }
  }

  /// `config.json`.
  package func configuration() throws(MeshError) -> HuggingFaceConfiguration {
    try HuggingFaceConfiguration(
      try json("config.json", limits: SafetensorsLimits.configuration)
    )
  }

  /// The tokens that end a generation: `eos_token_id` of `generation_config.json` or, without that,
  /// of `config.json`; either one id or an array.
  package func endTokenIDs() throws(MeshError) -> [Int] {
    let limits = SafetensorsLimits.configuration
    for name in ["generation_config.json", "config.json"] {
      guard let json = try jsonIfPresent(name, limits: limits),
        let ids = JSONField(json)["eos_token_id"]
      else { continue }
      guard case .array = ids.value else { return [try ids.integer(in: 0...Int(UInt32.max))] }
      return try ids.elements().map { (id) throws(MeshError) in
        try id.integer(in: 0...Int(UInt32.max))
      }
    }
    return []
  }

  /// The bytes of a file.
  package func contents(
    _ name: String,
    maximumByteCount: Int
  ) throws(MeshError) -> [UInt8] {
    let mapping = try FileMapping(path: "\(path)/\(name)")
    defer { withExtendedLifetime(mapping) {} }
    guard mapping.bytes.count <= maximumByteCount else {
      throw MeshError(
        .corrupted,
        "\(name) must have at most \(maximumByteCount) bytes, has \(mapping.bytes.count)",
        field: name
      )
    }
    return Array(mapping.bytes)
  }
}
