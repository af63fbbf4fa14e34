import Glibc
package import MeshRuntime
package import MeshTypes
package import Transformer

extension WeightsSettings {
  /// Reads `weights-cache`, a folder or `off`, and `weights-memory-mib`. By default packed weights are
  /// kept in the user's cache folder, if there is one.
  ///
  /// - Throws: ``MeshError`` `invalidArgument` naming the setting.
  package init(_ reader: SettingsReader) async throws(MeshError) {
    let folder = try await reader.text("weights-cache")
    let limit = try await reader.integer("weights-memory-mib", in: 1...1 << 30)
    guard folder != "" else { throw .invalid("weights-cache", "must be a folder or off") }
    self.init(
      cacheFolder: folder == "off" ? nil : folder ?? Self.userCacheFolder(),
      memoryByteLimit: limit.map { $0 << 20 }
    )
    try validate()
  }

  /// As the XDG Base Directory Specification has it; nil for a user without a home.
  private static func userCacheFolder() -> String? {
    func variable(_ name: String) -> String? {
      guard let value = getenv(name) else { return nil }
      let text = String(cString: value)
      return text.hasPrefix("/") ? text : nil
    }
    let base = variable("XDG_CACHE_HOME") ?? variable("HOME").map { "\($0)/.cache" }
    return base.map { "\($0)/weft/packed" }
  }
}
