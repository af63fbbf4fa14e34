import Testing

extension MeshTests {
  @Suite("A stream", .serialized)
  struct Stream {
    @Test("ends at a stop string, which is not part of the text")
    func stopString() async throws {
      let text = #""text": "The capital of France is""#
      let outcomes = try await TestMesh.with { mesh in
        try await PythonClient.run(
          [
            #"{"generate": {\#(text), "options": {"max_tokens": 20}}}"#,
            #"{"generate": {\#(text), "options": {"max_tokens": 20, "stop": ["United"]}}}"#,
            #"{"generate": {\#(text), "options": {"max_tokens": 20, "stop_token_ids": [30]}}}"#,
          ], at: mesh.gateway)
      }
      let whole = try #require(outcomes[0].text)
      let cut = try #require(whole.firstRange(of: "United"), "\(whole)")
      #expect(outcomes[1].text == String(whole[..<cut.lowerBound]))
      #expect(outcomes[1].finish?.stop == "United")
      #expect(outcomes[1].finish?.reason == "FINISH_REASON_STOP")
      #expect(outcomes[2].ids == [7042, 30])
      #expect(outcomes[2].finish?.reason == "FINISH_REASON_STOP")
      #expect(outcomes[0].finish?.reason == "FINISH_REASON_LENGTH")
      #expect(outcomes[0].finish?.usage?.completion_tokens == 20)
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
  }
}
