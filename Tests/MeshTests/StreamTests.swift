import Foundation
import Subprocess
import SystemPackage
import Testing

extension MeshTests {
  @Suite("A stream", .serialized)
  struct Stream {
    @Test("ends at a stop string, which is not part of the text")
    func stopString() async throws {
      try await TestMesh.with { mesh in
        let text = #""text": "The capital of France is""#
        let whole = try await PythonClient.run(
          [#"{"generate": {\#(text), "options": {"max_tokens": 20}}}"#],
          at: mesh.gateway
        )[0]
        let words = try #require(whole.text).split(separator: " ")
        let stop = String(words[2].prefix { $0.isLetter })
        #expect(whole.finish?.reason == "FINISH_REASON_LENGTH")
        #expect(whole.finish?.usage?.completion_tokens == 20)

        let cut = try await PythonClient.run(
          [
            #"{"generate": {\#(text), "options": {"max_tokens": 20, "stop": ["\#(stop)"]}}}"#,
            #"{"generate": {\#(text), "options": {"max_tokens": 20, "stop_token_ids": [30]}}}"#,
          ],
          at: mesh.gateway
        )
        let end = try #require(whole.text?.firstRange(of: stop)?.lowerBound, "\(whole)")
        #expect(cut[0].text == whole.text.map { String($0[..<end]) })
        #expect(cut[0].finish?.stop == stop)
        #expect(cut[0].finish?.reason == "FINISH_REASON_STOP")
        #expect(cut[1].ids == [7042, 30])
        #expect(cut[1].finish?.reason == "FINISH_REASON_STOP")
      }
    }

    @Test("gives the same tokens for the same seed, and others for another")
    func seeds() async throws {
      @Sendable func call(_ seed: Int) -> String {
        """
        {"generate": {"text": "Once", "options": {"max_tokens": 24, \
        "sampling": {"temperature": 1, "seed": \(seed)}}}}
        """
      }
      let outcomes = try await TestMesh.with { mesh in
        try await PythonClient.run([call(1), call(1), call(2)], at: mesh.gateway)
      }
      #expect(outcomes.allSatisfy { $0.ids.count == 24 }, "\(outcomes)")
      #expect(outcomes[0].ids == outcomes[1].ids)
      #expect(outcomes[0].ids != outcomes[2].ids)
    }

    @Test("of weft generate with a JSON Schema is JSON that validates")
    func jsonSchema() async throws {
      let directory = try TemporaryDirectory()
      defer { directory.remove() }
      let schema = "\(directory.path)/schema.json"
      try #"""
      {"type": "object", "properties": {
        "city": {"type": "string", "maxLength": 20}, "population": {"type": "integer", "minimum": 1},
        "capital": {"type": "boolean"}}, "required": ["city", "population", "capital"]}
      """#.write(toFile: schema, atomically: true, encoding: .utf8)
      let output = try await TestMesh.with { mesh in
        try await Subprocess.run(
          .path(FilePath("\(Executables.directory)/weft")),
          arguments: [
            "generate", "Paris as JSON: ", "--gateway", "\(mesh.gateway)", "--max-tokens", "200",
            "--json-schema", schema,
          ],
          input: .none,
          output: .string(limit: 1 << 16),
          error: .discarded
        ).standardOutput
      }
      struct City: Decodable {
        var city: String
        var population: Int
        var capital: Bool
      }
      let city = try JSONDecoder().decode(City.self, from: Data(output.utf8))
      #expect(city.city.unicodeScalars.count <= 20)
      #expect(city.population >= 1)
    }
  }
}
