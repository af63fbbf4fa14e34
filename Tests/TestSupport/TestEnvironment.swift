import Foundation

/// Where tests find what dev/test has put beside the build.
package enum TestEnvironment {
  /// An environment variable.
  package static func variable(_ name: String) -> String? {
    ProcessInfo.processInfo.environment[name]
  }

  /// Weft's folder of fetched files: `$XDG_CACHE_HOME/weft` or `~/.cache/weft`.
  package static var cache: String {
    (variable("XDG_CACHE_HOME") ?? (variable("HOME") ?? "") + "/.cache") + "/weft"
  }

  /// A Python with the packages of dev/requirements.txt: `WEFT_PYTHON`, or the cache's.
  package static var python: String { variable("WEFT_PYTHON") ?? "\(cache)/venv/bin/python3" }
}

/// The model that dev/fetch-model fetches.
package enum DefaultModel {
  /// Its name in requests, when it is read from its own place.
  package static let name = "SmolLM2-135M-Instruct.Q4_1"

  /// `WEFT_MODEL`, or its place in the cache.
  package static var path: String {
    TestEnvironment.variable("WEFT_MODEL") ?? "\(TestEnvironment.cache)/models/\(name).gguf"
  }
}

/// Runs `body` with the path of a new temporary file that holds `contents`.
package func withTemporaryFile<R>(_ contents: [UInt8], _ body: (String) throws -> R) throws -> R {
  let url = FileManager.default.temporaryDirectory.appending(path: "weft-\(UUID()).gguf")
  try Data(contents).write(to: url)
  defer { try? FileManager.default.removeItem(at: url) }
  return try body(url.path)
}

/// Runs `body` with the path of an empty folder, which is removed afterwards.
package func withEmptyFolder<R>(_ body: (String) throws -> R) throws -> R {
  let url = FileManager.default.temporaryDirectory.appending(path: "weft-\(UUID())")
  try FileManager.default.createDirectory(at: url, withIntermediateDirectories: false)
  defer { try? FileManager.default.removeItem(at: url) }
  return try body(url.path)
}
