import Glibc
import MeshProtos
import Subprocess
import SystemPackage
import TestSupport
import Testing

extension MeshTests {
  @Suite("Cancellation", .serialized)
  struct Cancellation {
    private let endless =
      #"{"generate": {"text": "Once upon a time", "options": {"max_tokens": 4000, "ignore_eos": true}}}"#

    @Test("a client that is killed mid-stream gives all its blocks back")
    func killedClient() async throws {
      try await TestMesh.with { mesh in
        let free = try await mesh.status().workers[0].freeBlocks
        let endless = endless
        _ = try await Subprocess.run(
          .path(FilePath(TestEnvironment.python)),
          arguments: [
            "\(Executables.root)/Tests/MeshTests/Fixtures/gateway_client.py",
            "\(Executables.root)/protos", "\(mesh.gateway)",
          ],
          input: .string("[\(endless)]"),
          output: .discarded,
          error: .discarded
        ) { execution in
          try await mesh.waitForStatus { $0.workers[0].freeBlocks < free }
          try execution.send(signal: .kill)
        }
        try await mesh.waitForStatus {
          $0.workers[0].freeBlocks == free && $0.runningSequences == 0
        }
      }
    }

    @Test("a client that cancels gives all its blocks back")
    func cancelledCall() async throws {
      try await TestMesh.with { mesh in
        let free = try await mesh.status().workers[0].freeBlocks
        let call = endless.dropLast() + #", "cancel_after": 5}"#
        let outcomes = try await PythonClient.run([String(call)], at: mesh.gateway)
        #expect(outcomes.map(\.code) == ["CANCELLED"])
        try await mesh.waitForStatus {
          $0.workers[0].freeBlocks == free && $0.runningSequences == 0
        }
      }
    }
  }
}
