import Glibc
import MeshProtos
import Testing

extension MeshTests {
  @Suite("Schedulers that fail", .serialized)
  struct CellFaults {
    /// Streams of which half share a long beginning, greedy and sampled.
    private static let calls = (0..<8).map { number in
      let ids = (0..<150).map { UInt32(1000 + ($0 * 7919 + number / 2 * 104_729) % 40_000) }
      let sampling =
        number % 3 == 0 ? #", "sampling": {"temperature": 0.8, "seed": \#(number)}"# : ""
      return PythonClient.generate(
        ids,
        options: #""max_tokens": 120, "ignore_eos": true\#(sampling)"#
      )
    }

    /// The streams' ids while `disturb` happens to two cells of one worker each.
    private static func run(
      _ disturb: @escaping @Sendable (TestMesh) async throws -> Void
    ) async throws -> [[UInt32]] {
      try await TestMesh.with(cells: 2, workers: 2) { mesh in
        async let outcomes = PythonClient.run(calls, at: mesh.gateway)
        // Both have got their share.
        for scheduler in mesh.schedulers {
          try await mesh.wait(for: scheduler) {
            $0.runningSequences > 0 && $0.workers[0].stepsTotal > 8
          }
        }
        try await disturb(mesh)
        let ids = try await outcomes.map(\.ids)
        // What was stopped can end now.
        mesh.signalAll(SIGCONT)
        return ids
      }
    }

    @Test(
      "killed, stopped for good, or killed and started again: streams go on with the same tokens"
    )
    func faults() async throws {
      let expected = try await TestMesh.with { mesh in
        try await PythonClient.run(Self.calls, at: mesh.gateway).map(\.ids)
      }
      #expect(expected.allSatisfy { $0.count == 120 })
      #expect(try await Self.run { _ in } == expected)
      #expect(try await Self.run { $0.signal(SIGKILL, "scheduler-1") } == expected)
      #expect(try await Self.run { $0.signal(SIGSTOP, "scheduler-2") } == expected)
      #expect(
        try await Self.run { mesh in
          mesh.signal(SIGKILL, "scheduler-1")
          mesh.startAgain("scheduler-1")
        } == expected
      )
    }

    @Test("one after the other, and both come back: every stream ends as if nothing had happened")
    func oneAfterTheOther() async throws {
      let expected = try await TestMesh.with { mesh in
        try await PythonClient.run(Self.calls, at: mesh.gateway).map(\.ids)
      }
      let disturbed = try await Self.run { mesh in
        mesh.signal(SIGKILL, "scheduler-1")
        mesh.startAgain("scheduler-1")
        try await mesh.wait(for: mesh.schedulers[0]) { $0.workers.count == 1 }
        mesh.signal(SIGKILL, "scheduler-2")
        mesh.startAgain("scheduler-2")
      }
      #expect(disturbed == expected)
    }
  }
}
