import Testing

extension MeshTests {
  @Suite("Greedy output against llama.cpp, asked for by grpcio", .serialized)
  struct GreedyGolden {
    @Test("the ids are llama.cpp's up to its first narrow choice")
    func ids() async throws {
      let items = try Golden.load().items
      let outcomes = try await TestMesh.with { mesh in
        try await PythonClient.run(
          items.map { PythonClient.generate($0.prompt_ids, options: #""max_tokens": 64"#) },
          at: mesh.gateway
        )
      }
      for (item, outcome) in zip(items, outcomes) {
        let certain = item.certainOutput()
        #expect(Array(outcome.ids.prefix(certain.count)) == certain, "\(item.prompt_text)")
      }
    }

    @Test("chat makes llama.cpp's prompt of a conversation and gives its answer")
    func chat() async throws {
      let items = try Golden.load().items.filter { $0.messages != nil }
      #expect(items.count == 3)
      let calls = items.map { item in
        let messages = (item.messages ?? []).map { message in
          #"{"role": "\#(message.role)", "content": "\#(message.content)"}"#
        }
        let list = messages.joined(separator: ",")
        return #"{"chat": {"messages": [\#(list)], "options": {"max_tokens": 64}}}"#
      }
      let outcomes = try await TestMesh.with { mesh in
        try await PythonClient.run(calls, at: mesh.gateway)
      }
      for (item, outcome) in zip(items, outcomes) {
        #expect(outcome.finish?.usage?.prompt_tokens == item.prompt_ids.count)
        let certain = item.certainOutput()
        #expect(Array(outcome.ids.prefix(certain.count)) == certain)
        if certain == item.output_ids {
          #expect(outcome.text == item.output_text)
          let ended = outcome.ids.count < 64
          #expect(outcome.finish?.reason == (ended ? "FINISH_REASON_STOP" : "FINISH_REASON_LENGTH"))
        }
      }
    }
  }
}
