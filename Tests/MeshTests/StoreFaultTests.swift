import Glibc
import MeshProtos
import Testing

extension MeshTests {
  /// The store is a help, never a need.
  @Suite("A KV store that fails", .serialized)
  struct StoreFaults {
    /// Twelve streams, of which pairs share a prompt, with more tokens than the blocks hold: loads and
    /// stores are always under way.
    private static let calls = (0..<12).map { number in
      let ids = (0..<200).map { UInt32(1000 + ($0 * 7919 + number / 2 * 104_729) % 40_000) }
      return PythonClient.generate(ids, options: #""max_tokens": 80, "ignore_eos": true"#)
    }

    private static let pressed = ["--kv-blocks", "80"]

    /// The streams' ids while `disturb` happens to the store.
    private static func run(
      _ disturb: @escaping @Sendable (TestMesh) async throws -> Void
    ) async throws -> [[UInt32]] {
      try await TestMesh.with(
        workerArguments: pressed,
        schedulerArguments: ["--growth-horizon-tokens", "0"],
        store: .memory
      ) { mesh in
        async let outcomes = PythonClient.run(calls, at: mesh.gateway)
        try await mesh.waitForStatus { $0.store.storedBlocksTotal > 20 }
        try await disturb(mesh)
        return try await outcomes.map(\.ids)
      }
    }

    @Test("killed, stopped, stopped and continued, killed and started again: no stream notices")
    func faults() async throws {
      let expected = try await TestMesh.with { mesh in
        try await PythonClient.run(Self.calls, at: mesh.gateway).map(\.ids)
      }
      #expect(expected.allSatisfy { $0.count == 80 })
      #expect(try await Self.run { $0.signal(SIGKILL, "kvstore") } == expected)
      #expect(
        try await Self.run { mesh in
          mesh.signal(SIGSTOP, "kvstore")
          try await mesh.waitForStatus { $0.store.failedLookupsTotal > 0 }
        } == expected
      )
      #expect(
        try await Self.run { mesh in
          mesh.signal(SIGSTOP, "kvstore")
          try await mesh.waitForStatus { $0.store.failedLookupsTotal > 0 }
          mesh.signal(SIGCONT, "kvstore")
        } == expected
      )
      #expect(
        try await Self.run { mesh in
          mesh.signal(SIGKILL, "kvstore")
          mesh.startAgain("kvstore")
        } == expected
      )
    }

    @Test("without any store at its address, the mesh serves as if it had none")
    func absent() async throws {
      let calls = Array(Self.calls.prefix(4))
      let expected = try await TestMesh.with { mesh in
        try await PythonClient.run(calls, at: mesh.gateway).map(\.ids)
      }
      let alone = try await TestMesh.with(
        workerArguments: ["--kvstores", "unix:/nonexistent"],
        schedulerArguments: ["--kvstores", "unix:/nonexistent"]
      ) { mesh in
        try await PythonClient.run(calls, at: mesh.gateway).map(\.ids)
      }
      #expect(alone == expected)
    }
  }
}
