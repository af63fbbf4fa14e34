import Foundation
import GRPCCoreTransport
import Glibc
import Subprocess
import SystemPackage
import TestSupport
import Testing
import WeftCLI

extension MeshTests {
  @Suite("weft up", .serialized)
  struct UpCommand {
    /// A run of `weft up` in a directory of its own.
    private struct Run {
      var output = ""
      var messages = ""
      var status: TerminationStatus
      /// Processes of the mesh that were left.
      var survivors: [pid_t]
      /// What was left in the run's directory.
      var leftovers: [String]
    }

    /// Starts a mesh, waits for its first answer, sends `weft` a signal and waits until it and its
    /// children have ended.
    private static func run(until signal: Signal) async throws -> Run {
      let directory = try TemporaryDirectory()
      // A mesh that was killed leaves its sockets.
      defer { try? FileManager.default.removeItem(atPath: directory.path) }
      let gateway = TransportAddress.unix(path: "\(directory.path)/gateway.sock")
      var messages = ""
      var children: [pid_t] = []
      let result = try await Subprocess.run(
        .path(FilePath("\(Executables.directory)/weft")),
        arguments: [
          "up", "--model", DefaultModel.path, "--listen", "\(gateway)", "--kv-memory-mib", "64",
        ],
        environment: .inherit.updating(["XDG_RUNTIME_DIR": directory.path]),
        input: .none,
        output: .string(limit: 1 << 16),
        error: .sequence
      ) { execution in
        for try await line in execution.standardError.strings() {
          messages += "\(line)\n"
          guard line.contains("Ctrl-C stops the mesh.") else { continue }
          children = Processes.children(of: execution.processIdentifier.value)
          try execution.send(signal: signal)
        }
      }
      #expect(children.count == 5, "tokenizer, scheduler, KV store, worker and gateway")
      // A process closes its files a moment before it is gone.
      let deadline = ContinuousClock.now + .seconds(10)
      while children.contains(where: Processes.isRunning), ContinuousClock.now < deadline {
        await Task.yield()
      }
      return Run(
        output: result.standardOutput,
        messages: messages,
        status: result.terminationStatus,
        survivors: children.filter(Processes.isRunning),
        leftovers: directory.contents
      )
    }

    @Test(
      "ends by itself, naming the address, when something else has it",
      .timeLimit(.minutes(1))
    )
    func occupiedAddress() async throws {
      let directory = try TemporaryDirectory()
      defer { directory.remove() }
      let path = directory.path
      let result = try await TestMesh.with { mesh in
        try await Subprocess.run(
          .path(FilePath("\(Executables.directory)/weft")),
          arguments: [
            "up", "--model", DefaultModel.path, "--listen", "\(mesh.gateway)",
            "--kv-memory-mib", "64",
          ],
          environment: .inherit.updating(["XDG_RUNTIME_DIR": path]),
          input: .none,
          output: .discarded,
          error: .string(limit: 1 << 16)
        )
      }
      #expect(result.terminationStatus == .exited(1))
      #expect(result.standardError.contains("Address already in use"))
      #expect(result.standardError.contains("gateway does not stay up"))
      #expect(directory.contents == [])
    }

    @Test(
      "serves until Ctrl-C or SIGTERM and leaves nothing behind",
      arguments: [
        Signal.interrupt, .terminate,
      ]
    )
    func stopped(_ signal: Signal) async throws {
      let run = try await Self.run(until: signal)
      for name in ["tokenizer", "scheduler", "worker-1", "gateway"] {
        #expect(run.messages.contains("  \(name) is healthy at "), "\(run.messages)")
      }
      #expect(run.messages.contains("./weft chat"))
      #expect(run.output.contains("Tokyo"), "\(run.output)")
      #expect(run.messages.contains("ended by stop"), "\(run.messages)")
      #expect(run.status == .exited(0), "\(run.messages)")
      #expect(run.survivors == [])
      #expect(run.leftovers == [])
    }

    @Test("killed, its services end by themselves")
    func killed() async throws {
      // The run ends when nobody holds its standard error any longer: weft's children do.
      let run = try await Self.run(until: .kill)
      #expect(run.status == .signaled(SIGKILL))
      #expect(run.survivors == [])
    }

    @Test(
      "that cannot begin leaves no directory, and names the setting",
      arguments: [
        ("workers", ["--workers", "0"]), ("cells", ["--cells", "9", "--workers", "9"]),
        ("cells", ["--cells", "2", "--workers", "1"]),
      ]
    )
    func wrongSetting(_ setting: String, _ flags: [String]) async throws {
      let directory = try TemporaryDirectory()
      defer { directory.remove() }
      let result = try await Subprocess.run(
        .path(FilePath("\(Executables.directory)/weft")),
        arguments: Arguments(["up", "--model", DefaultModel.path] + flags),
        environment: .inherit.updating(["XDG_RUNTIME_DIR": directory.path]),
        output: .discarded,
        error: .string(limit: 1 << 16)
      )
      #expect(!result.terminationStatus.isSuccess)
      #expect(result.standardError.contains(setting))
      #expect(directory.contents == [])
    }
  }
}
