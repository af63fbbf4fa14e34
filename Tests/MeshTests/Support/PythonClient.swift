import Foundation
import GRPCCoreTransport
import Subprocess
import SystemPackage
import TestSupport

/// The gateway as python's grpcio sees it: Fixtures/gateway_client.py.
enum PythonClient {
  /// One call's outcome: a stream's ids, text and finish, or an error.
  struct Outcome: Decodable, Sendable, Hashable {
    struct Finish: Decodable, Sendable, Hashable {
      struct Usage: Decodable, Sendable, Hashable {
        var prompt_tokens: Int?
        var completion_tokens: Int?
        var preemptions: Int?
      }

      var reason: String?
      var stop: String?
      var usage: Usage?
    }

    var ids: [UInt32] = []
    var text: String?
    /// The ids of each output.
    var outputs: [[UInt32]]?
    var finish: Finish?
    var code: String?
    var message: String?
    /// Whether the error came with a google.rpc.BadRequest detail.
    var has_field: Bool?
  }

  /// Runs all calls at once.
  ///
  /// - Parameter calls: Objects of protobuf's JSON mapping, as the script's usage says.
  static func run(_ calls: [String], at gateway: TransportAddress) async throws -> [Outcome] {
    let result = try await Subprocess.run(
      .path(FilePath(TestEnvironment.python)),
      arguments: [
        "\(Executables.root)/Tests/MeshTests/Fixtures/gateway_client.py",
        "\(Executables.root)/protos", "\(gateway)",
      ],
      input: .string("[\(calls.joined(separator: ","))]"),
      output: .string(limit: 64 << 20),
      error: .currentStandardError
    )
    return try JSONDecoder().decode([Outcome].self, from: Data(result.standardOutput.utf8))
  }

  /// A Generate call on token ids.
  static func generate(_ ids: [UInt32], options: String) -> String {
    #"{"generate": {"token_ids": {"ids": \#(ids)}, "options": {\#(options)}}}"#
  }
}
