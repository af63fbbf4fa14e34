import Foundation
import Glibc
import MeshProtos
import Testing

extension MeshTests {
  /// A grammar's state is nothing that anybody has to save: it follows from the tokens so far.
  @Suite("Structured output under faults", .serialized)
  struct StructuredFaults {
    private struct Basket: Decodable {
      struct Item: Decodable {
        var name: String
        var count: Int
        var isFresh: Bool
      }

      var items: [Item]
    }

    private static let schema = #"""
      {"type": "object", "required": ["items"], "properties": {"items": {
        "type": "array", "minItems": 5, "maxItems": 5, "items": {"type": "object",
          "required": ["name", "count", "isFresh"], "properties": {
            "name": {"type": "string", "minLength": 8, "maxLength": 16},
            "count": {"type": "integer", "minimum": 0, "maximum": 99},
            "isFresh": {"type": "boolean"}}}}}}
      """#

    private static let calls: [String] = (0..<6).map { number in
      let quoted = schema.replacing("\n", with: " ").replacing("\"", with: #"\""#)
      let sampling = number % 2 == 0 ? #""temperature": 0.9, "seed": \#(number), "# : ""
      return """
        {"generate": {"text": "Basket \(number) as JSON: ", "options": {"max_tokens": 400, \
        "sampling": {\(sampling)"structured_output": {"json_schema": "\(quoted)"}}}}}
        """
    }

    /// The outcomes while `disturb` happens, once every worker has got some of it done.
    private static func run(
      cells: Int = 1,
      _ disturb: @escaping @Sendable (TestMesh) async throws -> Void
    ) async throws -> [PythonClient.Outcome] {
      try await TestMesh.with(cells: cells, workers: 2) { mesh in
        async let outcomes = PythonClient.run(calls, at: mesh.gateway)
        try await mesh.waitForStatus { status in
          status.workers.allSatisfy { $0.runningSequences > 0 && $0.stepsTotal > 20 }
        }
        try await disturb(mesh)
        return try await outcomes
      }
    }

    @Test("a worker or a scheduler killed in the middle of JSON: the same JSON comes, byte by byte")
    func killed() async throws {
      let expected = try await TestMesh.with { mesh in
        try await PythonClient.run(Self.calls, at: mesh.gateway)
      }
      for outcome in expected {
        let text = try #require(outcome.text, "\(outcome)")
        #expect(outcome.finish?.reason == "FINISH_REASON_STOP", "\(outcome)")
        let basket = try JSONDecoder().decode(Basket.self, from: Data(text.utf8))
        #expect(basket.items.count == 5)
        #expect(outcome.ids.count > 60)
      }
      let withoutWorker = try await Self.run { $0.signal(SIGKILL, "worker-1") }
      #expect(withoutWorker.map(\.ids) == expected.map(\.ids))
      #expect(withoutWorker.map(\.text) == expected.map(\.text))
      let withoutScheduler = try await Self.run(cells: 2) { $0.signal(SIGKILL, "scheduler-2") }
      #expect(withoutScheduler.map(\.ids) == expected.map(\.ids))
      #expect(withoutScheduler.map(\.text) == expected.map(\.text))
    }
  }
}
