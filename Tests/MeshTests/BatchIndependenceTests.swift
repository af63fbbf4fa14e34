import MeshProtos
import Testing

extension MeshTests {
  @Suite("The same tokens, always", .serialized)
  struct BatchIndependence {
    /// Every stream by itself, one after the other.
    private func alone(_ calls: [String]) async throws -> [PythonClient.Outcome] {
      try await TestMesh.with { mesh in
        var outcomes: [PythonClient.Outcome] = []
        for call in calls { outcomes += try await PythonClient.run([call], at: mesh.gateway) }
        return outcomes
      }
    }

    @Test("32 streams at once give what each gives alone, with plenty of blocks and with few")
    func together() async throws {
      let calls = Workload.calls(32)
      let alone = try await alone(calls)
      #expect(alone.allSatisfy { $0.code == nil && !$0.ids.isEmpty })
      let together = try await TestMesh.with { mesh in
        try await PythonClient.run(calls, at: mesh.gateway)
      }
      #expect(together.map(\.ids) == alone.map(\.ids))
      #expect(together.map(\.text) == alone.map(\.text))

      // 40 blocks hold 640 tokens, hardly more than the longest stream; all want many times that. Admission leaves no room to
      // grow, so that growing takes others' blocks.
      let (pressed, preemptions) = try await TestMesh.with(
        workerArguments: ["--kv-blocks", "40"],
        schedulerArguments: ["--growth-horizon-tokens", "0"]
      ) { mesh in
        let outcomes = try await PythonClient.run(calls, at: mesh.gateway)
        return (outcomes, try await mesh.status().preemptionsTotal)
      }
      #expect(preemptions > 0, "the pool was not small enough to preempt")
      #expect(pressed.map(\.ids) == alone.map(\.ids))
    }
  }
}
