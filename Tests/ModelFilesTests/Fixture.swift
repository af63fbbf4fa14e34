import Foundation

/// The files beside the tests.
enum Fixture {
  static func path(_ name: String) -> String {
    URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("Fixtures").appendingPathComponent(name).path
  }
}

/// Runs `body` with the path of a new temporary copy of a folder.
func withTemporaryFolder<R>(copying source: String, _ body: (String) throws -> R) throws -> R {
  let target = FileManager.default.temporaryDirectory.appending(path: "weft-\(UUID())")
  try FileManager.default.copyItem(at: URL(filePath: source), to: target)
  defer { try? FileManager.default.removeItem(at: target) }
  return try body(target.path)
}
