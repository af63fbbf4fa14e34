import Glibc
import MeshProtos
import Testing

extension MeshTests {
  @Suite("Workers that come and go", .serialized)
  struct WorkerMembership {
    private static let calls = (0..<8).map { index in
      """
      {"generate": {"text": "Story number \(index):", "options": {"max_tokens": 160, \
      "ignore_eos": true}}}
      """
    }

    @Test("a worker added while requests run gets work, and one killed loses no stream")
    func addedAndKilled() async throws {
      let undisturbed = try await TestMesh.with { mesh in
        try await PythonClient.run(Self.calls, at: mesh.gateway)
      }
      #expect(undisturbed.allSatisfy { $0.ids.count == 160 })

      let disturbed = try await TestMesh.with { mesh in
        async let first = PythonClient.run(Self.calls, at: mesh.gateway)
        try await mesh.waitForStatus { $0.runningSequences > 0 }
        try await mesh.addWorker(named: "worker-2")
        async let second = PythonClient.run(Self.calls, at: mesh.gateway)
        try await mesh.waitForStatus { status in
          status.workers.contains { $0.worker == "worker-2" && $0.runningSequences > 0 }
        }
        mesh.signal(SIGKILL, "worker-1")
        return try await (first, second)
      }
      #expect(disturbed.0.map(\.ids) == undisturbed.map(\.ids))
      #expect(disturbed.1.map(\.ids) == undisturbed.map(\.ids))
    }

    @Test("a worker that is asked to stop hands its sequences over")
    func drained() async throws {
      let undisturbed = try await TestMesh.with { mesh in
        try await PythonClient.run(Self.calls, at: mesh.gateway)
      }
      let moved = try await TestMesh.with(workers: 2) { mesh in
        async let outcomes = PythonClient.run(Self.calls, at: mesh.gateway)
        try await mesh.waitForStatus { status in
          status.workers.contains { $0.worker == "worker-1" && $0.runningSequences > 0 }
        }
        mesh.signal(SIGTERM, "worker-1")
        return try await outcomes
      }
      #expect(moved.map(\.ids) == undisturbed.map(\.ids))
    }
  }
}
