import Foundation

/// Prompts with the ids that llama.cpp makes of them: Tests/MeshTests/Fixtures/greedy_F32.json.
package struct GoldenPrompt: Decodable, Sendable {
  /// One turn of a conversation.
  package struct Message: Decodable, Sendable {
    package var role: String
    package var content: String
  }

  private enum CodingKeys: String, CodingKey {
    case messages
    case text = "prompt_text"
    case tokenIDs = "prompt_ids"
    case outputIDs = "output_ids"
  }

  /// Nil if the prompt is no conversation.
  package var messages: [Message]?
  /// The prompt with its control tokens spelt out.
  package var text: String
  package var tokenIDs: [UInt32]
  /// Greedy, with 8-bit activations.
  package var outputIDs: [UInt32]

  private struct File: Decodable {
    var items: [GoldenPrompt]
  }

  package static func all() throws -> [GoldenPrompt] {
    let file: String = #filePath
    let tests = file.firstRange(of: "/ServiceTesting/").map { file[..<$0.lowerBound] } ?? ""
    let url = URL(filePath: "\(tests)/MeshTests/Fixtures/greedy_F32.json")
    return try JSONDecoder().decode(File.self, from: Data(contentsOf: url)).items
  }
}
