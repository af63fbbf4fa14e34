import Configuration
import MeshRuntime
import MeshTypes
import Testing

@Suite("Which model to serve")
struct ModelSettingsTests {
  private static func settings(_ flags: [String: ConfigContent?]) async throws -> ModelSettings {
    try await ModelSettings(
      try await SettingsReader(
        flags: flags,
        environment: EnvironmentVariablesProvider(environmentVariables: [:]),
        filePath: nil
      )
    )
  }

  @Test(
    "is called by its file's name unless told otherwise",
    arguments: [
      ("/models/SmolLM2.Q4_1.gguf", "SmolLM2.Q4_1"), ("a.gguf", "a"), ("/models/plain", "plain"),
      ("/models/dir.gguf/", "dir"),
    ]
  )
  func name(_ path: String, _ name: String) async throws {
    #expect(try await Self.settings(["model": .string(path)]).name == name)
    let named = try await Self.settings(["model": .string(path), "model-name": .string("b")])
    #expect(named.name == "b")
    #expect(named.path == path)
  }

  @Test("has to be told, and to have a name of 1 to 200 bytes")
  func refused() async throws {
    let wrong: [([String: ConfigContent?], String)] = [
      ([:], "model"), (["model": .string("")], "model"),
      (["model": .string("/models/.gguf")], "model-name"),
      (["model": .string("a"), "model-name": .string("")], "model-name"),
      (
        ["model": .string("a"), "model-name": .string(String(repeating: "é", count: 101))],
        "model-name"
      ),
    ]
    for (flags, field) in wrong {
      let error = await #expect(throws: MeshError.self) { _ = try await Self.settings(flags) }
      #expect(error?.field == field)
    }
  }
}
