import Glibc
import MeshProtos
import Testing

extension MeshTests {
  /// What a sequence produces never depends on the KV store: every output is compared with that of a
  /// mesh without one.
  @Suite("The KV store", .serialized)
  struct Store {
    /// A prompt of some hundred tokens that differ from those of any other number.
    private static func call(_ number: Int, tokens: Int = 700, max: Int = 24, salt: String = "")
      -> String
    {
      let ids = (0..<tokens).map { UInt32(1000 + ($0 * 7919 + number * 104_729) % 40_000) }
      let secret = salt.isEmpty ? "" : #", "cache_salt": "\#(salt)""#
      return PythonClient.generate(
        ids,
        options: #""max_tokens": \#(max), "ignore_eos": true\#(secret)"#
      )
    }

    private static func undisturbed(_ calls: [String]) async throws -> [[UInt32]] {
      try await TestMesh.with { try await PythonClient.run(calls, at: $0.gateway).map(\.ids) }
    }

    /// Whether everything that a worker was told to store has come to the store.
    private static func hasStored(
      _ mesh: TestMesh
    ) async throws {
      let told = try await mesh.status().store.storedBlocksTotal
      try await mesh.waitForStore { $0.memory.storedTotal >= told }
    }

    @Test("a prompt that one worker computed is fetched by another, and goes on with the same ids")
    func acrossWorkers() async throws {
      let calls = [Self.call(1), Self.call(2)]
      let expected = try await Self.undisturbed(calls)
      let (first, second, status) = try await TestMesh.with(store: .memory) { mesh in
        let first = try await PythonClient.run(calls, at: mesh.gateway).map(\.ids)
        try await Self.hasStored(mesh)
        mesh.signal(SIGKILL, "worker-1")
        try await mesh.waitForStatus { $0.workers.isEmpty }
        try await mesh.addWorker(named: "worker-2")
        let second = try await PythonClient.run(calls, at: mesh.gateway).map(\.ids)
        return (first, second, try await mesh.status())
      }
      #expect(first == expected)
      #expect(second == expected)
      // 700 tokens are 43 full blocks of 16.
      #expect(status.store.fetchedTokensTotal == 2 * 43 * 16)
      #expect(status.store.decisions.contains { $0.action == "fetch" && $0.reason == "faster" })
    }

    @Test("after SIGKILL of everything, the next mesh goes on with what is on disk")
    func acrossRestarts() async throws {
      let calls = [Self.call(3)]
      let expected = try await Self.undisturbed(calls)
      let directory = try TemporaryDirectory()
      defer { directory.remove() }
      let store = TestMesh.Store.disk(directory: "\(directory.path)/kv")
      let first = try await TestMesh.with(store: store) { mesh in
        let ids = try await PythonClient.run(calls, at: mesh.gateway).map(\.ids)
        try await Self.hasStored(mesh)
        let told = try await mesh.status().store.storedBlocksTotal
        try await mesh.waitForStore { $0.disk.storedTotal >= told }
        mesh.signalAll(SIGKILL)
        return ids
      }
      let (second, status) = try await TestMesh.with(store: store) { mesh in
        (try await PythonClient.run(calls, at: mesh.gateway).map(\.ids), try await mesh.status())
      }
      #expect(first == expected)
      #expect(second == expected)
      #expect(status.store.fetchedTokensTotal == 43 * 16)
    }

    @Test("two long sequences that do not fit together take turns through the store")
    func swap() async throws {
      let calls = [Self.call(4, tokens: 400, max: 300), Self.call(5, tokens: 400, max: 300)]
      let expected = try await Self.undisturbed(calls)
      // 64 blocks hold 1024 tokens; the two want 1400.
      let (swapped, status) = try await TestMesh.with(
        workerArguments: ["--kv-blocks", "64"],
        schedulerArguments: ["--growth-horizon-tokens", "0"],
        store: .memory
      ) { mesh in
        (try await PythonClient.run(calls, at: mesh.gateway).map(\.ids), try await mesh.status())
      }
      #expect(swapped == expected)
      #expect(status.preemptionsTotal > 0)
      #expect(status.store.swapOutsTotal > 0)
      #expect(status.store.swapInsTotal > 0)
    }

    @Test("tenants of different salts share no block, whatever they ask; those of the same do")
    func tenants() async throws {
      let (fetched, namespaces) = try await TestMesh.with(store: .memory) { mesh in
        let first = Self.call(6, salt: "b25l")
        _ = try await PythonClient.run([first], at: mesh.gateway)
        try await Self.hasStored(mesh)
        // A fresh worker: what it gets can only come from the store.
        mesh.signal(SIGKILL, "worker-1")
        try await mesh.waitForStatus { $0.workers.isEmpty }
        try await mesh.addWorker(named: "worker-2")
        var fetched: [UInt64] = []
        for call in [Self.call(6, salt: "dHdv"), Self.call(6), first] {
          _ = try await PythonClient.run([call], at: mesh.gateway)
          fetched.append(try await mesh.status().store.fetchedTokensTotal)
        }
        return (fetched, try await mesh.storeStatus().namespaces.map(\.namespace))
      }
      #expect(fetched == [0, 0, 43 * 16])
      #expect(Set(namespaces).count == 3)
    }

    @Test("prompts are computed by one worker and go on on another", .timeLimit(.minutes(5)))
    func disaggregation() async throws {
      let calls = (7..<11).map { Self.call($0, tokens: 300, max: 60) }
      let expected = try await Self.undisturbed(calls)
      let (ids, status) = try await TestMesh.with(
        workerArguments: ["--worker-role", "prefill"],
        store: .memory
      ) { mesh in
        try await mesh.addWorker(named: "worker-2", role: "decode")
        let ids = try await PythonClient.run(calls, at: mesh.gateway).map(\.ids)
        return (ids, try await mesh.status())
      }
      #expect(ids == expected)
      #expect(status.store.fetchedTokensTotal >= 4 * 18 * 16)
    }
  }
}
