import GRPCCore
import GRPCCoreTransport
import Glibc
import MeshProtos
import Subprocess
import SwiftProtobuf
import SystemPackage

typealias StoreService = Weft_Kvstore_V1_KVStoreService

/// Starts `weft-kvstore`.
struct StoreLauncher: Sendable {
  let executable: String
  let directory: String
  let memoryMib: Int
  let diskMib: Int

  /// A process that serves.
  struct Running: Sendable {
    let grpc: GRPCClient<CoreClientTransport>
    let pid: pid_t
    /// From the start to the first answer.
    let startSeconds: Double
    /// What it said when it had read the segments.
    let logPath: String

    var client: StoreService.Client<CoreClientTransport> { .init(wrapping: grpc) }

    func status() async throws -> Weft_Kvstore_V1_GetStatusResponse {
      var options = CallOptions.defaults
      options.timeout = .seconds(30)
      return try await client.getStatus(.init(), options: options)
    }

    /// Seconds and bytes of the index's rebuilding, from the log.
    var rebuilding: (seconds: Double, bytes: Double)? {
      guard let log = try? String(contentsOfFile: logPath),
        let line = log.split(separator: "\n").first(where: { $0.contains("segments read") }),
        let seconds = line.firstMatch(of: #/\bseconds=([0-9.e-]+)/#),
        let bytes = line.firstMatch(of: #/\bbytes=([0-9]+)/#)
      else { return nil }
      return (Double(seconds.1) ?? 0, Double(bytes.1) ?? 0)
    }
  }

  /// Runs `body` with a process, and asks it to stop if it still runs afterwards.
  func with(_ body: @escaping @Sendable (Running) async throws -> Void) async throws {
    let socket = "/tmp/weft-soak-\(getpid()).sock"
    let logPath = "/tmp/weft-soak-\(getpid()).log"
    defer {
      unlink(socket)
      unlink(logPath)
    }
    let log = try FileDescriptor.open(
      FilePath(logPath),
      .writeOnly,
      options: [.create, .truncate],
      permissions: .ownerReadWrite
    )
    let start = ContinuousClock.now
    _ = try await Subprocess.run(
      .path(FilePath(executable)),
      arguments: [
        "--listen", "unix:\(socket)", "--memory-mib", "\(memoryMib)", "--disk-mib", "\(diskMib)",
        "--directory", directory, "--disk-writes", "write-through",
      ],
      input: .none,
      output: .discarded,
      error: .fileDescriptor(log, closeAfterSpawningProcess: true)
    ) { execution in
      let pid = execution.processIdentifier.value
      defer { kill(pid, SIGTERM) }
      try await withGRPCClient(
        transport: CoreClientTransport(address: .unix(path: socket))
      ) { grpc in
        let waiting = Running(grpc: grpc, pid: pid, startSeconds: 0, logPath: logPath)
        while (try? await waiting.status()) == nil { try await Task.sleep(for: .milliseconds(5)) }
        let seconds = (.now - start) / Duration.seconds(1)
        try await body(Running(grpc: grpc, pid: pid, startSeconds: seconds, logPath: logPath))
      }
    }
  }
}

extension String {
  /// Reads the first MiB of a file.
  init(contentsOfFile path: String) throws {
    let file = try FileDescriptor.open(FilePath(path), .readOnly)
    defer { try? file.close() }
    var bytes = [UInt8](repeating: 0, count: 1 << 20)
    let count = try bytes.withUnsafeMutableBytes { try file.read(into: $0) }
    self = String(decoding: bytes.prefix(count), as: UTF8.self)
  }
}
