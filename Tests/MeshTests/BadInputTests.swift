import Testing

extension MeshTests {
  @Suite("Bad input", .serialized)
  struct BadInput {
    private struct Case {
      var call: String
      var code = "INVALID_ARGUMENT"
      var field: String
    }

    private static let cases = [
      Case(
        call: #"{"generate": {"model": "gpt-5", "text": "a"}}"#,
        code: "NOT_FOUND",
        field: "model"
      ),
      Case(call: #"{"generate": {"text": ""}}"#, field: "text"),
      Case(call: #"{"generate": {}}"#, field: "prompt"),
      Case(call: #"{"generate": {"token_ids": {"ids": []}}}"#, field: "token_ids"),
      Case(call: #"{"generate": {"token_ids": {"ids": [1, 49152]}}}"#, field: "token_ids"),
      Case(call: #"{"generate": {"token_ids": {"ids": [4294967295]}}}"#, field: "token_ids"),
      Case(call: #"{"chat": {"messages": []}}"#, field: "messages"),
      Case(call: #"{"chat": {"messages": [{"role": "", "content": "a"}]}}"#, field: "role"),
      Case(call: generate(#""max_tokens": 0"#), field: "max_tokens"),
      Case(call: generate(#""max_tokens": -5"#), field: "max_tokens"),
      Case(
        call: generate(#""max_tokens": 9000"#),
        code: "OUT_OF_RANGE",
        field: "options.max_tokens"
      ),
      Case(call: sampling(#""temperature": -1"#), field: "temperature"),
      Case(call: sampling(#""temperature": "NaN""#), field: "temperature"),
      Case(call: sampling(#""temperature": "Infinity""#), field: "temperature"),
      Case(call: sampling(#""top_k": -1"#), field: "top_k"),
      Case(call: sampling(#""top_p": 0"#), field: "top_p"),
      Case(call: sampling(#""top_p": "NaN""#), field: "top_p"),
      Case(call: sampling(#""min_p": 1.5"#), field: "min_p"),
      Case(
        call: sampling(#""structured_output": {"regex": "(a"}"#),
        field: "structured_output.regex"
      ),
      Case(
        call: sampling(#""structured_output": {"json_schema": "{\"not\": {}}"}"#),
        code: "UNIMPLEMENTED",
        field: "structured_output.json_schema #/not"
      ),
      Case(call: generate(#""n": 17"#), field: "options.n"),
      Case(call: generate(#""n": 3, "best_of": 2"#), field: "options.best_of"),
      Case(call: generate(#""stop": [""]"#), field: "stop"),
      Case(call: generate(#""stop_token_ids": [49152]"#), field: "stop_token_ids"),
    ]

    private static func generate(_ options: String) -> String {
      #"{"generate": {"text": "a", "options": {\#(options)}}}"#
    }

    private static func sampling(_ parameter: String) -> String {
      generate(#""sampling": {\#(parameter)}"#)
    }

    @Test("every bad field is named, with a typed error, and hurts nobody else")
    func fields() async throws {
      let good =
        #"{"generate": {"text": "The capital of France is", "options": {"max_tokens": 1}}}"#
      let outcomes = try await TestMesh.with { mesh in
        try await PythonClient.run(Self.cases.map(\.call) + [good], at: mesh.gateway)
      }
      for (expected, outcome) in zip(Self.cases, outcomes) {
        #expect(outcome.code == expected.code, "\(expected.call): \(outcome)")
        #expect(outcome.message?.contains(expected.field) == true, "\(expected.call): \(outcome)")
        #expect(outcome.has_field == true, "\(expected.call): \(outcome)")
      }
      #expect(outcomes.last?.text == " Paris")
    }

    @Test("a prompt that fills the context is refused with the most that would fit")
    func longPrompt() async throws {
      let ids = [UInt32](repeating: 504, count: 8192)
      let outcome = try await TestMesh.with { mesh in
        try await PythonClient.run(
          [PythonClient.generate(ids, options: #""max_tokens": 1"#)],
          at: mesh.gateway
        )
      }
      #expect(outcome.map(\.code) == ["OUT_OF_RANGE"])
      #expect(outcome[0].message?.hasPrefix("token_ids must be at most 8191 tokens") == true)
      #expect(outcome[0].has_field == true)
    }
  }
}
