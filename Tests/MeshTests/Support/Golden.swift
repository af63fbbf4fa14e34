import Foundation

/// Greedy outputs that llama.cpp made of the default model with weights dequantised and float
/// activations, which is what our 16-bit activations follow; Fixtures/greedy_F32.json.
struct Golden: Decodable, Sendable {
  struct Item: Decodable, Sendable {
    struct Message: Decodable, Sendable {
      var role: String
      var content: String
    }

    struct Candidate: Decodable, Sendable {
      var id: UInt32
      var logprob: Double

      init(from decoder: any Decoder) throws {
        var container = try decoder.unkeyedContainer()
        id = try container.decode(UInt32.self)
        logprob = try container.decode(Double.self)
      }
    }

    var messages: [Message]?
    var prompt_text: String
    var prompt_ids: [UInt32]
    var output_ids: [UInt32]
    var output_text: String
    var top3_logprobs: [[Candidate]]

    /// The output up to the first token whose lead over the runner-up is below `margin`: from
    /// there on another rounding may rightly choose differently.
    func certainOutput(margin: Double = 0.1) -> [UInt32] {
      let steps = zip(output_ids, top3_logprobs)
      return steps.prefix { $1[0].logprob - $1[1].logprob >= margin }.map { $0.0 }
    }
  }

  var items: [Item]

  static func load() throws -> Golden {
    let path = "\(Executables.root)/Tests/MeshTests/Fixtures/greedy_F32.json"
    return try JSONDecoder().decode(Golden.self, from: Data(contentsOf: URL(filePath: path)))
  }
}
