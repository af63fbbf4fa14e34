import Foundation

/// A trace of requests in the format of Mooncake: one JSON object a line.
struct Trace {
  struct Request: Decodable {
    var inputLength: Int
    /// One id for each block of 512 tokens of the prompt; equal ids mean an equal prefix.
    var hashIDs: [Int]

    private enum CodingKeys: String, CodingKey {
      case inputLength = "input_length"
      case hashIDs = "hash_ids"
    }
  }

  static let blockSizeTokens = 512

  var name: String
  var requests: [Request]

  init(path: String) throws {
    name = URL(filePath: path).deletingPathExtension().lastPathComponent
    let decoder = JSONDecoder()
    requests = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n")
      .map { try decoder.decode(Request.self, from: Data($0.utf8)) }
  }

  var accessCount: Int { requests.reduce(0) { $0 + $1.hashIDs.count } }
  var tokenCount: Int { requests.reduce(0) { $0 + $1.inputLength } }
  /// The number of different blocks.
  var distinctCount: Int { Set(requests.flatMap(\.hashIDs)).count }
  /// One more than the largest id.
  var idLimit: Int { (requests.flatMap(\.hashIDs).max() ?? -1) + 1 }
}
