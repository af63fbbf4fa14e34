import ChatTemplates
import Foundation
import MeshTypes
import TestSupport
import Testing
import Tokenization
import TokenizerService

@Suite("Models in folders")
struct TokenizerModelTests {
  private static let message = [ChatMessage(role: "user", text: "Hi")]
  private static let template =
    "{{ bos_token }}{% for m in messages %}[INST]{{ m.content }}[/INST]{% endfor %}"

  /// Runs `body` with a folder that has `tokenizer.json` and files of these names and contents.
  private func withFolder(
    _ files: [String: String] = [:],
    tokenizer: String = "mistral",
    _ body: (String) throws -> Void
  ) throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "weft-\(UUID())")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let tests = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    try FileManager.default.copyItem(
      at: tests.appending(path: "TokenizationTests/Fixtures/tokenizers/\(tokenizer).json"),
      to: folder.appending(path: "tokenizer.json")
    )
    for (name, contents) in files {
      try Data(contents.utf8).write(to: folder.appending(path: name))
    }
    try body(folder.path)
  }

  private func configuration(template: String) -> String {
    #"{"bos_token": {"content": "<s>"}, "eos_token": "</s>", "chat_template": \#(template)}"#
  }

  @Test("The tokenizer, its special tokens and its chat template")
  func wholeFolder() throws {
    let files = [
      "tokenizer_config.json": configuration(template: "\"\(Self.template)\""),
      "generation_config.json": #"{"eos_token_id": [2, 7]}"#,
    ]
    try withFolder(files) { path in
      let model = try TokenizerModel(name: "m", path: path)
      #expect(model.tokenizer.endOfGenerationTokenIDs.isSuperset(of: [2, 7]))
      #expect(model.tokenizer.addsBeginOfSequence)
      let prompt = try model.prompt(
        for: Self.message,
        addsGenerationPrompt: true,
        now: TemplateDate(unixSeconds: 0)
      )
      #expect(prompt == "<s>[INST]Hi[/INST]")
    }
  }

  @Test("Of several named templates the default, else the first")
  func namedTemplates() throws {
    let tool = #"{"name": "tool_use", "template": "tool"}"#
    let usual = #"{"name": "default", "template": "usual"}"#
    for (list, expected) in [("[\(tool), \(usual)]", "usual"), ("[\(tool)]", "tool")] {
      try withFolder(["tokenizer_config.json": configuration(template: list)]) { path in
        let template = try #require(try TokenizerModel(name: "m", path: path).chatTemplate)
        let text = try template.render(messages: [], addsGenerationPrompt: true)
        #expect(text == expected)
      }
    }
  }

  @Test("chat_template.jinja comes before tokenizer_config.json; without either there is none")
  func templateFile() throws {
    let files = [
      "tokenizer_config.json": configuration(template: "\"old\""), "chat_template.jinja": "new",
    ]
    try withFolder(files) { path in
      let template = try #require(try TokenizerModel(name: "m", path: path).chatTemplate)
      let text = try template.render(messages: [], addsGenerationPrompt: true)
      #expect(text == "new")
    }
    try withFolder { path in
      let model = try TokenizerModel(name: "m", path: path)
      #expect(model.chatTemplate.map { _ in true } == nil)
    }
  }

  @Test("What is missing or wrong is named")
  func wrong() throws {
    let cases: [(files: [String: String], field: String, code: MeshError.Code)] = [
      (["tokenizer.json": "{}"], "model", .notFound),
      (["tokenizer.json": "{"], "tokenizer.json", .corrupted),
      (["tokenizer_config.json": "[1"], "tokenizer_config.json", .corrupted),
      (["tokenizer_config.json": #"{"chat_template": 3}"#], "chat_template", .corrupted),
      (["generation_config.json": #"{"eos_token_id": "x"}"#], "eos_token_id", .corrupted),
      (["generation_config.json": #"{"eos_token_id": 99999}"#], "eos_token", .invalidArgument),
    ]
    for (files, field, code) in cases {
      try withFolder(files) { path in
        let error = #expect(throws: MeshError.self) { try TokenizerModel(name: "m", path: path) }
        #expect(error?.field == field, "\(String(describing: error))")
        #expect(error?.code == code, "\(String(describing: error))")
      }
    }
    let error = #expect(throws: MeshError.self) {
      try TokenizerModel(name: "m", path: FileManager.default.temporaryDirectory.path)
    }
    #expect(error?.code == .notFound)
  }
}
