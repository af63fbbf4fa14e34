import Configuration
import Foundation
import GRPCCoreTransport
import MeshRuntime
import MeshTypes
import Testing

@Suite("Settings")
struct SettingsReaderTests {
  private static func reader(
    flags: [String: ConfigContent?] = [:],
    environment: [String: String] = [:],
    file: String? = nil
  ) async throws -> SettingsReader {
    let environment = EnvironmentVariablesProvider(environmentVariables: environment)
    guard let file else {
      return try await SettingsReader(flags: flags, environment: environment, filePath: nil)
    }
    let url = FileManager.default.temporaryDirectory.appending(path: "weft-\(UUID()).yaml")
    try Data(file.utf8).write(to: url)
    defer { try? FileManager.default.removeItem(at: url) }
    return try await SettingsReader(flags: flags, environment: environment, filePath: url.path)
  }

  /// Asserts that reading fails and names the setting.
  private func expectRefusal(
    of name: String,
    sourceLocation: SourceLocation = #_sourceLocation,
    _ read: () async throws -> Void
  ) async throws {
    let error = try await #require(throws: MeshError.self, sourceLocation: sourceLocation) {
      try await read()
    }
    #expect(error.code == .invalidArgument, sourceLocation: sourceLocation)
    #expect(error.field == name, sourceLocation: sourceLocation)
    #expect(error.message.hasPrefix("\(name) "), sourceLocation: sourceLocation)
    #expect(!error.message.contains("\n"), sourceLocation: sourceLocation)
  }

  @Test("a flag wins over the environment, that over the file, and nothing is nil")
  func precedence() async throws {
    let environment = ["WEFT_MAX_BATCH_TOKENS": "2"]
    let file = "max-batch-tokens: 3\n"
    let name = "max-batch-tokens"
    let all = try await Self.reader(flags: [name: .int(1)], environment: environment, file: file)
    #expect(try await all.integer(name, in: 0...9) == 1)
    let noFlag = try await Self.reader(
      flags: [name: .none],
      environment: environment,
      file: file
    )
    #expect(try await noFlag.integer(name, in: 0...9) == 2)
    let fileAlone = try await Self.reader(file: file)
    #expect(try await fileAlone.integer(name, in: 0...9) == 3)
    let none = try await Self.reader(environment: ["MAX_BATCH_TOKENS": "2"], file: "other: 1\n")
    #expect(try await none.integer(name, in: 0...9) == nil)
    #expect(try await none.text("log-level") == nil)
    #expect(try await none.address("listen") == nil)
  }

  @Test("texts and addresses come from every source")
  func kinds() async throws {
    let reader = try await Self.reader(
      flags: ["listen": .string("unix:/a")],
      environment: ["WEFT_SCHEDULER": "localhost:1"],
      file: "tokenizer: \"[::1]:2\"\nmodel: /models/a b.gguf\n"
    )
    #expect(try await reader.address("listen") == .unix(path: "/a"))
    #expect(try await reader.address("scheduler") == .tcp(host: "localhost", port: 1))
    #expect(try await reader.address("tokenizer") == .tcp(host: "::1", port: 2))
    #expect(try await reader.text("model") == "/models/a b.gguf")
  }

  @Test("a number out of range is refused with the range")
  func range() async throws {
    let reader = try await Self.reader(environment: ["WEFT_THREADS": "0"])
    try await expectRefusal(of: "threads") { _ = try await reader.integer("threads", in: 1...256) }
    let error = await #expect(throws: MeshError.self) {
      try await reader.integer("threads", in: 1...256)
    }
    #expect(error?.message == "threads must be in 1...256, got 0")
  }

  @Test(
    "what is no number is refused wherever it stands",
    arguments: [
      "many", "", "1.5", "0x10", "99999999999999999999", "1 2",
    ]
  )
  func malformed(_ text: String) async throws {
    let environment = try await Self.reader(environment: ["WEFT_THREADS": text])
    try await expectRefusal(of: "threads") {
      _ = try await environment.integer("threads", in: 1...256)
    }
    let file = try await Self.reader(file: "threads: \"\(text)\"\n")
    try await expectRefusal(of: "threads") { _ = try await file.integer("threads", in: 1...256) }
  }

  @Test("a wrong address is refused by its setting's name")
  func address() async throws {
    let reader = try await Self.reader(environment: ["WEFT_LISTEN": "nowhere"])
    try await expectRefusal(of: "listen") { _ = try await reader.address("listen") }
  }

  @Test(
    "a file that is not there or not YAML is refused",
    arguments: [
      "threads: [1, 2", "\t- :\n: :", "a: b: c",
    ]
  )
  func notYAML(_ contents: String) async throws {
    try await expectRefusal(of: "config") { _ = try await Self.reader(file: contents) }
  }

  @Test("a missing file is refused with its path")
  func missingFile() async throws {
    let error = await #expect(throws: MeshError.self) {
      _ = try await SettingsReader(flags: [:], filePath: "/nonexistent/weft.yaml")
    }
    #expect(error?.field == "config")
    #expect(error?.message.contains("/nonexistent/weft.yaml") == true)
  }
}
