import Glibc

/// The model that dev/fetch-model fetches.
package enum DefaultModel {
  package static let name = "SmolLM2-135M-Instruct.Q4_1"

  /// `WEFT_MODEL`, or its place in the user's cache.
  package static var path: String {
    if let path = environment("WEFT_MODEL") { return path }
    let cache = environment("XDG_CACHE_HOME") ?? "\(environment("HOME") ?? "")/.cache"
    return "\(cache)/weft/models/\(name).gguf"
  }

  private static func environment(_ name: String) -> String? {
    getenv(name).map { String(cString: $0) }
  }
}
