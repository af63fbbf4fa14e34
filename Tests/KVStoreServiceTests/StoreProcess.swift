import GRPCCore
import GRPCCoreTransport
import Glibc
import KVStoreService
import ServiceTesting
import Subprocess
import SystemPackage

/// `weft-kvstore` as a process of its own.
enum StoreProcess {
  /// Where the build has put it: beside the test runner.
  private static let executable: FilePath = {
    var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
    let count = readlink("/proc/self/exe", &buffer, buffer.count)
    let path = String(
      decoding: buffer.prefix(max(0, count)).map { UInt8(bitPattern: $0) },
      as: UTF8.self
    )
    return FilePath(path).removingLastComponent().appending("weft-kvstore")
  }()

  /// Runs `body` with a process that serves, then asks it to stop.
  ///
  /// - Returns: What `body` returned, and how the process ended.
  static func with<Result: Sendable>(
    _ flags: [String: String],
    _ body: @escaping @Sendable (TestStore, pid_t) async throws -> Result
  ) async throws -> (Result, TerminationStatus) {
    let socket = uniqueSocketPath()
    defer { unlink(socket) }
    var options = PlatformOptions()
    options.teardownSequence = [.gracefulShutDown(allowedDurationToNextStep: .seconds(10))]
    let ended = try await Subprocess.run(
      .path(executable),
      arguments: Arguments(
        ["--listen", "unix:\(socket)", "--log-level", "warning"]
          + flags.sorted { $0.key < $1.key }.flatMap { ["--\($0)", $1] }
      ),
      platformOptions: options,
      input: .none,
      output: .currentStandardError,
      error: .currentStandardError
    ) { execution in
      let pid = execution.processIdentifier.value
      let result = try await withClient(of: .unix(path: socket)) { grpc in
        let store = TestStore(grpc)
        try await eventually { (try? await store.status()) != nil }
        return try await body(store, pid)
      }
      kill(pid, SIGTERM)
      return result
    }
    return (ended.closureResult, ended.terminationStatus)
  }
}
