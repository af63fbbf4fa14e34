import Foundation

/// The default model's file, which `dev/test` fetches before tests run: `WEFT_MODEL`, or its place
/// in the user's cache.
var defaultModelPath: String {
  let environment = ProcessInfo.processInfo.environment
  if let path = environment["WEFT_MODEL"] { return path }
  let cache = environment["XDG_CACHE_HOME"] ?? (environment["HOME"] ?? "") + "/.cache"
  return cache + "/weft/models/SmolLM2-135M-Instruct.Q4_1.gguf"
}

/// Runs `body` with the path of a new temporary file that holds `contents`.
func withTemporaryFile<R>(_ contents: [UInt8], _ body: (String) throws -> R) throws -> R {
  let url = FileManager.default.temporaryDirectory.appending(path: "weft-\(UUID()).gguf")
  try Data(contents).write(to: url)
  defer { try? FileManager.default.removeItem(at: url) }
  return try body(url.path)
}
